from .concerns.matrix.transferring import transfer as transfer
from .dictionaries.formats import load_dictionary as load_dictionary
from .dictionaries.training_config import TrainingConfig as TrainingConfig
from .dictionaries.training_on_store import train_dictionary as train_dictionary
from .models.capturing import capture as capture
from .models.editing import edit as edit
from .models.generation import generate as generate
from .models.loading import load_model as load_model
from .models.sites import Site as Site
from .monitoring.calibrating import calibrate as calibrate
from .monitoring.watching import watch as watch
from .organisms.folder import load_organism as load_organism
from .pipeline.result import read_run as read_run
from .position.auditing import audit_position as audit_position

__version__: str
