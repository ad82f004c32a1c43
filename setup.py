"""Compile skreg/_kernels/*.pyx; everything else stands in pyproject.toml."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}


class BuildKernels(build_ext):
    """Optimize, on all cores."""

    def build_extensions(self):
        msvc = self.compiler.compiler_type == "msvc"
        # Without -g0 the debugging symbols would make up three quarters of the wheel.
        optimize = ["/O2"] if msvc else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-g0"]
        for extension in self.extensions:
            extension.extra_compile_args += optimize
        self.parallel = self.parallel or os.cpu_count()
        super().build_extensions()


kernels = [
    Extension(f"skreg._kernels.{path.stem}", [path.as_posix()])
    for path in sorted(Path("skreg/_kernels").glob("*.pyx"))
]
setup(
    ext_modules=cythonize(kernels, build_dir="build/cython", compiler_directives=DIRECTIVES),
    cmdclass={"build_ext": BuildKernels},
)
