"""Pictures of fits, in scikit-learn's form.

Every display has a class method ``from_estimator`` (or ``from_predictions``) that computes what is
shown, the method ``plot(ax=None)`` that draws it, and the arrays and matplotlib's artists as
attributes. matplotlib is imported when something is drawn: ``pip install 'skreg[plot]'``.
"""

from skreg.plot.calibration import ReliabilityDisplay
from skreg.plot.dropout_boundary import DropoutBoundaryDisplay
from skreg.plot.spectral_energy import SpectralEnergyDisplay
from skreg.plot.training_history import TrainingHistoryDisplay
from skreg.plot.weight_matrix import WeightMatrixDisplay

__all__ = [
    "DropoutBoundaryDisplay",
    "ReliabilityDisplay",
    "SpectralEnergyDisplay",
    "TrainingHistoryDisplay",
    "WeightMatrixDisplay",
]
