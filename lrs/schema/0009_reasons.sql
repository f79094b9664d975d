-- Why each constraint, index and sequence is there; functions, triggers, tables and columns say it
-- where they are made.

COMMENT ON SEQUENCE lrs.notification_ids IS
    'Positions: drawn under the log lock, so that they are in commit order for every reader.';

COMMENT ON CONSTRAINT stored_events_pkey ON lrs.stored_events IS
    'What makes a statement that is sent again harmless, and a version that two write a conflict.';
COMMENT ON INDEX lrs.stored_events_notification_id IS
    'The log is read in this order, and index rows find their event by it.';
COMMENT ON CONSTRAINT stored_events_state_has_header ON lrs.stored_events IS
    'A state of ours begins with format, institution and digest: shorter is a broken write.';
COMMENT ON CONSTRAINT stored_events_version_counts ON lrs.stored_events IS
    'Streams begin at 1; a statement is version 1 of its own.';
COMMENT ON CONSTRAINT stored_events_position_counts ON lrs.stored_events IS
    'Readers begin after position 0.';

COMMENT ON CONSTRAINT statement_index_pkey ON lrs.statement_index IS
    'One row for each statement; purges and replays find it by position.';
COMMENT ON CONSTRAINT postings_pkey ON lrs.postings IS
    'A filter reads its positions from this index alone, in order, and no posting is there twice.';
COMMENT ON CONSTRAINT statement_refs_pkey ON lrs.statement_refs IS
    'Finds who refers to a statement: whether it is voided, who inherits its terms.';
COMMENT ON INDEX lrs.statement_refs_position IS
    'Finds what a statement refers to, and what goes when it is purged.';

COMMENT ON CONSTRAINT people_pkey ON lrs.people IS
    'Writes resolve identifiers by it; two writers cannot give one identifier two pseudonyms.';
COMMENT ON CONSTRAINT people_blind_check ON lrs.people IS 'HMAC-SHA-256 has 32 bytes.';
COMMENT ON CONSTRAINT people_fence_check ON lrs.people IS 'HMAC-SHA-256 has 32 bytes.';
COMMENT ON INDEX lrs.people_pseudonym IS 'Erasure and linked identifiers look from the pseudonym.';
COMMENT ON CONSTRAINT fences_pkey ON lrs.fences IS
    'Every write asks whether one whom it names is fenced; nobody is fenced twice.';
COMMENT ON CONSTRAINT erased_identifiers_pkey ON lrs.erased_identifiers IS
    'Creating a person asks whether the identifier was erased.';
COMMENT ON CONSTRAINT erased_identifiers_fence_check ON lrs.erased_identifiers IS
    'HMAC-SHA-256 has 32 bytes.';
COMMENT ON CONSTRAINT activities_pkey ON lrs.activities IS
    'One definition for each activity of an institution.';

COMMENT ON CONSTRAINT institutions_pkey ON lrs.institutions IS 'Everything else names it.';
COMMENT ON CONSTRAINT credentials_pkey ON lrs.credentials IS 'Each request looks up its key.';
COMMENT ON CONSTRAINT credentials_credential_key ON lrs.credentials IS
    'A credential is one stream of events and one row.';
COMMENT ON CONSTRAINT credentials_institution_fkey ON lrs.credentials IS
    'A credential of no institution would open nothing, or anything.';
COMMENT ON CONSTRAINT credentials_requests_rate_check ON lrs.credentials IS
    'A rate is a number of requests; 0 is no limit.';
COMMENT ON CONSTRAINT credentials_statements_rate_check ON lrs.credentials IS
    'A rate is a number of statements; 0 is no limit.';
COMMENT ON CONSTRAINT credentials_generation_counts ON lrs.credentials IS
    'The first secret is generation 1.';
COMMENT ON CONSTRAINT credentials_old_secret_ends ON lrs.credentials IS
    'A secret that was replaced must not stay good for ever.';
COMMENT ON INDEX lrs.credentials_of_institution IS 'Lists the credentials of an institution.';

COMMENT ON CONSTRAINT erasures_pkey ON lrs.erasures IS 'An erasure is one stream and one row.';
COMMENT ON INDEX lrs.erasures_of_institution IS 'Lists the erasures of an institution.';
COMMENT ON INDEX lrs.erasures_unfinished IS 'What the jobs must carry on with.';

COMMENT ON CONSTRAINT contents_pkey ON lrs.contents IS 'A content is read chunk after chunk.';
COMMENT ON CONSTRAINT contents_number_check ON lrs.contents IS 'Chunks are counted from 0.';
COMMENT ON CONSTRAINT documents_pkey ON lrs.documents IS
    'One document at each address: its stream is made of the address.';
COMMENT ON CONSTRAINT documents_version_counts ON lrs.documents IS 'Streams begin at 1.';
COMMENT ON INDEX lrs.documents_holder IS 'Lists documents by what they belong to, changed since.';
COMMENT ON INDEX lrs.documents_owner IS 'Erasure and export look for a person''s documents.';
COMMENT ON CONSTRAINT attachments_pkey ON lrs.attachments IS
    'Each owner has one key to an attachment, however many statements carry it.';
COMMENT ON INDEX lrs.attachments_owner IS 'Erasure and export look for a person''s attachments.';
COMMENT ON INDEX lrs.attachments_content IS 'Tells whether the content has another owner left.';

COMMENT ON CONSTRAINT forwardings_pkey ON lrs.forwardings IS 'A forwarding is one stream and one row.';
COMMENT ON CONSTRAINT forwardings_institution_fkey ON lrs.forwardings IS
    'A forwarding of no institution would send nobody''s statements, or everybody''s.';
COMMENT ON CONSTRAINT forwardings_count ON lrs.forwardings IS 'Positions and counts begin at 0.';
COMMENT ON CONSTRAINT forwardings_fail_since ON lrs.forwardings IS
    'Since when it fails is known exactly while it fails.';
COMMENT ON INDEX lrs.forwardings_of_institution IS 'Lists the forwardings of an institution.';
COMMENT ON CONSTRAINT forwarding_refusals_pkey ON lrs.forwarding_refusals IS
    'A refusal counts once, however often the statement was sent; listed by position.';
COMMENT ON CONSTRAINT forwarding_refusals_forwarding_fkey ON lrs.forwarding_refusals IS
    'A refusal belongs to a forwarding.';

COMMENT ON CONSTRAINT quarantine_pkey ON lrs.quarantine IS 'Items are shown one by one.';
COMMENT ON CONSTRAINT quarantine_credential_digest_key ON lrs.quarantine IS
    'The same request again is counted, not kept again.';
COMMENT ON CONSTRAINT quarantine_counts ON lrs.quarantine IS
    'It came at least once; 0 statements where it could not be read.';
COMMENT ON INDEX lrs.quarantine_of_institution IS 'Lists the items of an institution.';
COMMENT ON INDEX lrs.quarantine_of_credential IS
    'Lists the items of a sender, and finds the oldest, which give way.';
COMMENT ON INDEX lrs.quarantine_age IS 'Finds what is too old to be kept.';
COMMENT ON CONSTRAINT quarantined_statements_pkey ON lrs.quarantined_statements IS
    'Statements are shown in the order of the request.';
COMMENT ON CONSTRAINT quarantined_statements_item_fkey ON lrs.quarantined_statements IS
    'Content must not outlive its item, which is what gets dropped.';
COMMENT ON CONSTRAINT quarantined_people_pkey ON lrs.quarantined_people IS
    'A statement names an identifier once.';
COMMENT ON CONSTRAINT quarantined_people_item_number_fkey ON lrs.quarantined_people IS
    'A trace of a person must not outlive the statement.';
COMMENT ON INDEX lrs.quarantined_people_fence IS 'Erasure looks for a person''s identifiers.';
