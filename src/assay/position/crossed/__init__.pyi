from .causal_audit import CausalAudit as CausalAudit
from .causal_audit import audit_causally as audit_causally
from .noise_and_sink import SinkDistance as SinkDistance
from .shares import CrossedShares as CrossedShares
from .shares import crossed_shares as crossed_shares
from .sizes import CrossedSizes as CrossedSizes
from .treatments import TREATMENTS as TREATMENTS
from .treatments import Treatment as Treatment
