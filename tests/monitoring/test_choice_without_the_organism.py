"""What the monitor catches is measured on organisms that its choice and learning did not see."""

from __future__ import annotations

from types import SimpleNamespace

from assay.monitoring import choosing


def test_each_organism_is_scored_by_what_was_chosen_without_it(monkeypatch):
    asked = []
    monkeypatch.setattr(
        choosing, "choose_watched", lambda source, left_out=None: asked.append(left_out)
    )
    concern = SimpleNamespace(name="deceit", allowed_contexts=())
    one = SimpleNamespace(
        label=True, excerpt=SimpleNamespace(context=""), activations=None, turn_rows=()
    )
    organisms = [
        SimpleNamespace(name=name, family=name, concern=concern, is_twin=False) for name in "abc"
    ]
    readings = [SimpleNamespace(organism=o, test=[one, one]) for o in organisms]
    source = SimpleNamespace(readings=readings)
    choosing.left_out_sensitivity(source, [], None)
    assert asked == organisms
