"""Commands on readers: how far two agree, and how well one finds faults that were put there on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_spinalq.cli.options import Force
from napari_spinalq.errors import InputError


def agree(
    first: Annotated[Path, typer.Argument(metavar="FOLDER_A", help="Results of the first reader or method.")],
    second: Annotated[Path, typer.Argument(metavar="FOLDER_B", help="Results of the second; may be the same folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write (.tsv or .csv).")],
    rater_a: Annotated[str, typer.Option(help="Take the reads of this person in FOLDER_A (desc-NAME).")] = "",
    rater_b: Annotated[str, typer.Option(help="Take the reads of this person in FOLDER_B (desc-NAME).")] = "",
    force: Force = False,
) -> None:
    """Compare two readers over all exams that both read: Dice, area bias and limits, ICC(2,1), kappa of levels.

    Example: spinalq agree reads/amk reads/jd -o agreement.tsv
    """
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.save import save_table
    from napari_spinalq.io.sidecar import sidecar_path
    from napari_spinalq.printing import say_flags, say_where
    from napari_spinalq.quality.readers.cohort import agreement_of_folders, summary_of
    from napari_spinalq.terminal import print_table, progress_bar

    refuse_overwrite([output, sidecar_path(output)], overwrite=force)
    with progress_bar() as progress:
        table, provenance = agreement_of_folders(first, second, raters=(rater_a, rater_b), progress=progress)
    save_table(table, output, provenance, overwrite=force)
    print_table(*summary_of(table))
    say_flags(provenance.flags)
    say_where([output])


def control_round(
    results: Annotated[Path, typer.Argument(metavar="FOLDER", help="Results whose cord masks are known to be good.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder; its name must say control.")],
    key: Annotated[
        Path, typer.Option(help="The key to write (.json), outside of that folder; keep it from the reader.")
    ],
    spoilt: Annotated[int, typer.Option(help="How many masks get a fault.")],
    seed: Annotated[int, typer.Option(help="Draws which, where and how.")] = 0,
) -> None:
    """Make a blinded round for a reader: copies of good masks, some spoilt on purpose. Rate it on the QC page.

    Example: spinalq control-round derivatives/reads -o derivatives/control-round1 --key keys/round1.json --spoilt 10
    """
    from napari_spinalq.printing import say_where
    from napari_spinalq.quality.readers.controls import make_round
    from napari_spinalq.quality.worklist.cases import find_cases

    cases = [(one.image, one.mask) for one in find_cases(results).cases]
    entries = make_round(cases, output, key, spoilt=spoilt, seed=seed)
    typer.echo(f"{len(entries)} control masks, {spoilt} of them spoilt; the key tells which.")
    say_where([output, key])


def control_score(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="The key of the round.")],
    ratings: Annotated[Path, typer.Argument(metavar="RATINGS", help="ratings.tsv of the folder of the round.")],
    rater: Annotated[str, typer.Option(help="Whose ratings are scored.")],
) -> None:
    """Tell how many of the faults of a control round a reader found, and how many good masks were failed.

    Example: spinalq control-score keys/round1.json derivatives/control-round1/ratings.tsv --rater amk
    """
    from napari_spinalq.quality.readers.controls import read_key, score_round, score_rows
    from napari_spinalq.quality.worklist.ratings import read_table
    from napari_spinalq.terminal import print_table

    if not ratings.is_file():
        raise InputError(f"There is no table of ratings {ratings}; rate the round on the QC page first.")
    rows = read_table(ratings.read_text(encoding="utf-8"), str(ratings)).rows
    score = score_round(read_key(key), rows, rater)
    print_table(f"Control round, {score.rater}", ["", "Found", "95 % interval"], score_rows(score))
    typer.echo(
        f"d' {score.detection.d_prime:.2f}; not rated {score.not_rated}, set aside as artefact {score.set_aside}"
    )
