-- Persons that are new to a process, known or not to the database: one round trip instead of three.

CREATE FUNCTION lrs.name_people(
    institution uuid, blinds bytea[], fences bytea[], pseudonyms uuid[]
) RETURNS TABLE (blind bytea, pseudonym uuid) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    -- Looked for first: an insert that conflicts costs more, and most persons are known.
    IF (SELECT count(*) FROM lrs.people p
        WHERE p.institution = name_people.institution AND p.blind = ANY (blinds))
        < cardinality(blinds) THEN
        PERFORM lrs.create_people(name_people.institution, blinds, name_people.fences, pseudonyms);
    END IF;
    RETURN QUERY SELECT p.blind, p.pseudonym FROM lrs.people p
        WHERE p.institution = name_people.institution AND p.blind = ANY (blinds);
END $$;
COMMENT ON FUNCTION lrs.name_people IS
    'Returns the pseudonym of each identifier, given to it now where it had none; erased ones are '
    'left out.';
GRANT EXECUTE ON FUNCTION lrs.name_people TO lrs_writer;
