"""Query–key results that render every branch of their page."""

from __future__ import annotations

from assay.attention.qk_result import (
    VIEWS,
    FeatureSide,
    OutputFigures,
    PairFigures,
    PatternFigures,
    PositionShares,
    QKHead,
    QKResult,
)

SHARES = PositionShares(near_zero=0.7, between=0.1, near_one=0.05, undetermined=0.15)


def a_head(head, ci=(-0.05, -0.01)):
    return QKHead(
        head=head,
        key_head=head // 2,
        sink=0.4,
        views=tuple(
            PatternFigures(view=v, kl=0.1, kl_ci=(0.08, 0.12), kl0=0.2, kl0_ci=ci and (0.1, 0.3))
            for v in VIEWS
        ),
        kl0_difference=-0.03,
        kl0_difference_ci=ci,
        same_key=0.8,
        same_key_ci=ci and (0.7, 0.9),
        query_positions=SHARES,
        key_positions=SHARES,
    )


def a_side(side):
    return FeatureSide(
        side=side,
        active=3.5,
        dead=1,
        variance_by_position=(0.01, 0.4, None),
        variance_ci=((0.0, 0.02), (0.3, 0.5), None),
        near_zero=1,
        between=1,
        near_one=0,
        undetermined=0,
    )


def a_pair(head, flat, contexts, kernel=(1.0, 0.5, -0.2)):
    return PairFigures(
        head=head,
        query_feature=1,
        key_feature=2,
        strength=2.5,
        kernel=kernel,
        flat=flat,
        query_contexts=contexts,
        key_contexts=contexts,
    )


def a_qk_result(position_scheme="rotary"):
    return QKResult(
        model="small",
        layer=3,
        position_scheme=position_scheme,
        text="made",
        width=3,
        k=2,
        steps=20,
        trained_tokens=2000,
        crops=40,
        length=24,
        documents=30,
        seed=0,
        heads=(a_head(0), a_head(1, None)),
        output=(
            OutputFigures(view="mean pattern", kl=0.02, kl_ci=(0.01, 0.03), recovered=None),
            OutputFigures(view="patterns", kl=0.005, kl_ci=None, recovered=0.75),
        ),
        output_crops=8,
        sides=(a_side("query"), a_side("key")),
        pairs=(
            a_pair(0, 0.99, (("a ", "b", " c"),)),
            a_pair(1, 0.4, (), (0.2, 0.1)),
            a_pair(1, 0.4, (), (-1.0, -2.0)),
        ),
        pairs_for_90=4,
        triples=18,
        inputs={"model": "0" * 64},
    )
