-- Locks lrs.credentials: SHARE UPDATE EXCLUSIVE
-- Locks lrs.documents: SHARE UPDATE EXCLUSIVE
-- Locks lrs.forwardings: SHARE UPDATE EXCLUSIVE
-- Locks lrs.quarantine: SHARE UPDATE EXCLUSIVE
-- Locks lrs.stored_events: SHARE UPDATE EXCLUSIVE
-- Checks the rows that were there before the constraints of 0009_defence.sql: each statement reads
-- its table once and keeps nobody out but vacuum and other changes of schema.

ALTER TABLE lrs.documents VALIDATE CONSTRAINT documents_version_counts;
ALTER TABLE lrs.credentials VALIDATE CONSTRAINT credentials_generation_counts;
ALTER TABLE lrs.credentials VALIDATE CONSTRAINT credentials_old_secret_ends;
ALTER TABLE lrs.forwardings VALIDATE CONSTRAINT forwardings_count;
ALTER TABLE lrs.forwardings VALIDATE CONSTRAINT forwardings_fail_since;
ALTER TABLE lrs.quarantine VALIDATE CONSTRAINT quarantine_counts;
ALTER TABLE lrs.stored_events VALIDATE CONSTRAINT stored_events_state_has_header;
ALTER TABLE lrs.stored_events VALIDATE CONSTRAINT stored_events_version_counts;
ALTER TABLE lrs.stored_events VALIDATE CONSTRAINT stored_events_position_counts;
