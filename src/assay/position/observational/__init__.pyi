from .correlation_ratio import LevelVariance as LevelVariance
from .estimates import VarianceExplained as VarianceExplained
from .estimates import summarise as summarise
from .estimates import variance_explained as variance_explained
from .levels import FIRST_POSITION as FIRST_POSITION
from .streaming_sums import PositionSums as PositionSums
