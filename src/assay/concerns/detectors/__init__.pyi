from .detector import Detector as Detector
from .detector import Examples as Examples
from .detector_registry import CONTROLS as CONTROLS
from .detector_registry import DETECTORS as DETECTORS
from .detector_registry import check_detector as check_detector
from .fitting import fit_detector as fit_detector
from .linear import LinearDetector as LinearDetector
