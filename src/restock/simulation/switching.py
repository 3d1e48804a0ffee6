"""Step 5, second round: who found nothing asks for a substitute."""

from dataclasses import dataclass

import torch

from restock.simulation.flows import Extras
from restock.simulation.fulfilment import Fulfilment
from restock.simulation.observation import Decision
from restock.simulation.substitution import Substitution
from restock.simulation.unmet import Served

__all__ = ["SubstituteSales"]


@dataclass(frozen=True)
class SubstituteSales:
    """Sells substitutes to customers whose product ran out; who waits is not asked.

    ``fulfilment`` ships them in a world of regions. What goes over is the expected share of who
    found nothing, so that units of a world with substitutes are divisible.
    """

    substitution: Substitution
    fulfilment: Fulfilment | None

    def replace(
        self, served: Served, extras: Extras | None, decision: Decision
    ) -> tuple[Served, Extras]:
        """Return what was served in the end, and who was saved by which product."""
        extras = extras or Extras()
        switching = self.substitution.flow(served.lost, decision.proposal)
        if self.fulfilment is None:
            taken = torch.minimum(served.left, switching.asked)
            sold, left = taken, served.left - taken
        else:
            parcels = self.fulfilment.serve(
                served.left,
                switching.asked,
                score=decision.region_score,
                share=decision.region_share,
                sent=tuple(wave for part in extras.parcels for wave in part.waves),
            )
            taken, sold, left = switching.asked - parcels.lost, parcels.sold, parcels.left
            extras = extras.with_parcels(parcels)
        saved = switching.absorbed(taken)
        served = served._replace(
            sold=served.sold + sold,
            left=left,
            lost=(served.lost - saved).clamp_min(0),
            short=(served.short - saved).clamp_min(0),
        )
        return served, extras._replace(substituted=taken, saved=saved)
