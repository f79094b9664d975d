-- What ClickHouse holds: released rows and nothing else. No learner, no true count, ever.
-- Each statement may run again and again; a change of shape is a file with the next number.

CREATE DATABASE IF NOT EXISTS kumbuka;

CREATE TABLE IF NOT EXISTS kumbuka.released_rows
(
    institution  UUID                   COMMENT 'whose learners are counted',
    stream       LowCardinality(String) COMMENT 'what is counted; see clickhouse/plans.py',
    period_start Date32                 COMMENT 'first day that the row counts',
    period_end   Date32                 COMMENT 'last day that the row counts',
    course       UUID                   COMMENT 'opaque course id; all zero: the whole institution',
    release      UUID                   COMMENT 'the release that the row came with',
    value        Int64                  COMMENT 'noised value',
    sigma        Float64                COMMENT 'standard deviation of the noise',
    low          Int64                  COMMENT 'lower end of the 95% interval, at least 0',
    high         Int64                  COMMENT 'upper end of the 95% interval',
    bound        UInt32                 COMMENT 'most rows of the release that a learner counts in',
    rho          Float64                COMMENT 'what the whole release cost',
    closed_at    DateTime64(3, 'UTC')   COMMENT 'when the window of the release closed'
)
ENGINE = ReplacingMergeTree
ORDER BY (institution, stream, period_start, course, release)
COMMENT 'Noised rows; the same row shipped again replaces itself';

CREATE TABLE IF NOT EXISTS kumbuka.releases
(
    institution UUID                   COMMENT 'whose learners are counted',
    release     UUID                   COMMENT 'id of the release, as in the ledger',
    stream      LowCardinality(String) COMMENT 'what is counted',
    plan        String                 COMMENT 'hash of the plan; equal hashes are comparable',
    opened_at   DateTime64(3, 'UTC')   COMMENT 'when the window opened',
    closed_at   DateTime64(3, 'UTC')   COMMENT 'when the window closed',
    rho         Float64                COMMENT 'what the release cost',
    delta       Float64                COMMENT 'what discovering its keys cost',
    sigma       Float64                COMMENT 'standard deviation of the noise in each row',
    bound       UInt32                 COMMENT 'most rows that a learner counts in',
    rows        UInt32                 COMMENT 'how many rows were published'
)
ENGINE = ReplacingMergeTree
ORDER BY (institution, release)
COMMENT 'Releases whose rows have all been shipped';
