"""Does a dictionary belong to this model and site?"""

from __future__ import annotations

from assay.dictionaries.formats.metadata import LoadedDictionary
from assay.errors import AssayError
from assay.models import LanguageModel, Site


def check_fit(loaded: LoadedDictionary, model: LanguageModel, site: Site | str) -> None:
    """Raise AssayError where the dictionary's width or its site is not that of the model's site."""
    site = Site.parse(str(site))
    width = model.site_width(site)
    if loaded.dictionary.d_in != width:
        raise AssayError(
            f"the dictionary is for activations of width {loaded.dictionary.d_in}, but {site} of "
            f"{model.name} has width {width}; choose the dictionary's own site with --site"
        )
    known = loaded.metadata.site
    if known is None:
        return
    try:
        trained_at = Site.parse(known)
    except AssayError:
        return  # another library's name for a site that has no equivalent here
    if trained_at != site:
        raise AssayError(f"the dictionary was trained at {trained_at}, not at {site}")
