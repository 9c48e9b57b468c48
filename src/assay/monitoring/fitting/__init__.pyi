from .cross_validating import compare_detectors as compare_detectors
from .fitting_monitor import FittedMonitor as FittedMonitor
from .fitting_monitor import fit_monitor as fit_monitor
from .own_conversations import OwnConversations as OwnConversations
from .own_conversations import read_own as read_own
from .result import DetectorComparison as DetectorComparison
from .result import Fit as Fit
