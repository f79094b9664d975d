-- Locks lrs.statement_refs: SHARE UPDATE EXCLUSIVE
-- Whether a statement is voided, without reading what else refers to it: that may be a million others.
CREATE INDEX CONCURRENTLY statement_refs_voids ON lrs.statement_refs (target)
    WHERE voiding;
COMMENT ON INDEX lrs.statement_refs_voids IS
    'Whether a statement is voided, whatever else refers to it.';
