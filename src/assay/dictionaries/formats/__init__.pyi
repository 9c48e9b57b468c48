from .assay import save_dictionary as save_dictionary
from .detection import FORMATS as FORMATS
from .detection import format_of as format_of
from .detection import load_dictionary as load_dictionary
from .folder_format import FolderFormat as FolderFormat
from .metadata import DictionaryMetadata as DictionaryMetadata
from .metadata import LoadedDictionary as LoadedDictionary
