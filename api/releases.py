"""Releases, made of the record store, the views and ClickHouse.

The one place where they are put together: HTTP, the command line and the jobs all release by it.
"""

from clickhouse.pipeline import Pipeline
from lrs.services import Services
from projections.views import tracking


def pipeline_of(services: Services) -> Pipeline:
    """Returns the release pipeline of this instance; connects to ClickHouse when first needed."""
    settings = services.settings
    return Pipeline.over(
        services.store,
        services.pool,
        reflected=lambda connection: tracking.reflected(connection).position,
        url=settings.clickhouse_url,
        epsilon=settings.epsilon,
        delta=settings.delta,
    )
