-- Locks lrs.contents: SHARE UPDATE EXCLUSIVE
-- Locks lrs.fences: SHARE UPDATE EXCLUSIVE
-- What closing an institution, and asking which are closed, is read by.

CREATE INDEX CONCURRENTLY contents_of_institution ON lrs.contents (institution);
CREATE INDEX CONCURRENTLY fences_of_institutions ON lrs.fences (pseudonym) WHERE pseudonym = institution;
COMMENT ON INDEX lrs.contents_of_institution IS 'Finds the contents that go with an institution.';
COMMENT ON INDEX lrs.fences_of_institutions IS
    'Every process asks each second which institutions are closed.';
