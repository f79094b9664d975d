"""The benchmark runs: a renamed stage would otherwise be missed until somebody measures."""

import gzip
from itertools import islice

from infra.local.demo import COURSE
from lrs.services import open_services
from lrs.settings import Settings
from tests.bench import stages


def test_every_stage_is_measured(own_settings: Settings) -> None:
    with gzip.open(COURSE) as lines:
        some = list(islice(lines, 400))
    services = open_services(own_settings)
    try:
        found = stages.measure(services, some, 100)
    finally:
        services.close()
    assert len(found) > 5
    assert all(micros >= 0 for _, micros in found)
