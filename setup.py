"""Compile skreg/_kernels/*.pyx; everything else stands in pyproject.toml."""

import os
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

OPENMP_PROBE = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}


class BuildKernels(build_ext):
    """Optimize, and use OpenMP where a trial program compiles and links with it."""

    def build_extensions(self):
        msvc = self.compiler.compiler_type == "msvc"
        # Without -g0 the debugging symbols would make up three quarters of the wheel.
        optimize = ["/O2"] if msvc else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-g0"]
        openmp = self.openmp_flags("/openmp" if msvc else "-fopenmp", link=not msvc)
        for extension in self.extensions:
            extension.extra_compile_args += optimize + openmp
            extension.extra_link_args += [] if msvc else openmp
        self.parallel = self.parallel or os.cpu_count()
        super().build_extensions()

    def openmp_flags(self, flag, link):
        """Return [flag], or [] (single-threaded kernels) where the compiler lacks OpenMP."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "probe.c"
            source.write_text(OPENMP_PROBE)
            try:
                objects = self.compiler.compile(
                    [str(source)], output_dir=folder, extra_postargs=[flag]
                )
                self.compiler.link_executable(
                    objects, os.path.join(folder, "probe"), extra_postargs=[flag] * link
                )
            except (CompileError, LinkError):
                print("skreg: this compiler has no OpenMP; the kernels run on one thread")
                return []
        return [flag]


kernels = [
    Extension(f"skreg._kernels.{path.stem}", [path.as_posix()])
    for path in sorted(Path("skreg/_kernels").glob("*.pyx"))
]
setup(
    ext_modules=cythonize(kernels, build_dir="build/cython", compiler_directives=DIRECTIVES),
    cmdclass={"build_ext": BuildKernels},
)
