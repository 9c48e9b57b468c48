from .detector import Detector as Detector
from .detector import Examples as Examples
from .fitting import fit_detector as fit_detector
from .linear import LinearDetector as LinearDetector
from .registered import CONTROLS as CONTROLS
from .registered import DETECTORS as DETECTORS
from .registered import check_detector as check_detector
