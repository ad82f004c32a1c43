"""The axis of alphas, and the lines that mark places on it."""

import numpy as np

from skreg.plot._axes import COLORS

STYLES = ("-", "--", "-.", ":")  # curves that lie on each other are told apart by these as well


def alpha_axis(ax, *, counts=False):
    """Make x a logarithmic axis of alphas with the strongest regularization at the left.

    That is the largest alpha, or where alphas count components or steps the smallest.
    """
    ax.set_xscale("log", nonpositive="mask")  # alpha = 0 has no place
    ax.xaxis.set_inverted(not counts)
    ax.set_xlabel("alpha (a count)" if counts else "alpha")


def mark_alpha(ax, alpha, label, *, color=COLORS[0], linestyle="--"):
    """A vertical line at alpha; None where there is no alpha, or none on a logarithmic axis."""
    if alpha is None or not 0 < alpha < np.inf:
        return None
    return ax.axvline(
        alpha, color=color, linestyle=linestyle, linewidth=1.2, label=f"{label}, {alpha:.3g}"
    )


def mark_choice(ax, alpha, one_se_alpha, label):
    """Lines at an alpha and at the one within one standard error, or one line where they agree."""
    if alpha is not None and alpha == one_se_alpha:
        return mark_alpha(ax, alpha, f"{label} (one SE)"), None
    one_se = mark_alpha(ax, one_se_alpha, "one SE", linestyle=":")
    return mark_alpha(ax, alpha, label), one_se


def legend_above(ax, low, high, handles):
    """A legend above what is drawn between low and high, for which room is made.

    matplotlib's own search for a free corner finds none where curves go everywhere. Sizes of text
    are measured in inches, so that small axes and long names get fewer columns and more room.
    """
    inches = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = int(np.clip(inches.width // (0.5 + 0.07 * longest), 1, 3))
    rows = -(-len(handles) // columns)
    share = min((0.1 + 0.2 * rows) / inches.height, 0.6)
    ax.set_ylim(low, low + (high - low) / (1 - share))
    ax.legend(handles=handles, loc="upper center", ncols=columns, fontsize="small", framealpha=1)
