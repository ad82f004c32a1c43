"""Pictures of fits, in scikit-learn's form.

Every display has a class method ``from_estimator`` (or ``from_predictions``) that computes what is
shown, the method ``plot(ax=None)`` that draws it, and the arrays and matplotlib's artists as
attributes. matplotlib is imported when something is drawn: ``pip install 'skreg[plot]'``.
"""

from skreg.plot.calibration import ReliabilityDisplay
from skreg.plot.coefficient_path import CoefficientPathDisplay
from skreg.plot.cv_curve import CVCurveDisplay
from skreg.plot.dropout_boundary import DropoutBoundaryDisplay
from skreg.plot.filter_factors import FilterFactorsDisplay
from skreg.plot.l_curve import LCurveDisplay
from skreg.plot.picard import PicardDisplay
from skreg.plot.rule_curves import RuleCurvesDisplay
from skreg.plot.spectral_energy import SpectralEnergyDisplay
from skreg.plot.training_history import TrainingHistoryDisplay
from skreg.plot.weight_matrix import WeightMatrixDisplay

__all__ = [
    "CVCurveDisplay",
    "CoefficientPathDisplay",
    "DropoutBoundaryDisplay",
    "FilterFactorsDisplay",
    "LCurveDisplay",
    "PicardDisplay",
    "ReliabilityDisplay",
    "RuleCurvesDisplay",
    "SpectralEnergyDisplay",
    "TrainingHistoryDisplay",
    "WeightMatrixDisplay",
]
