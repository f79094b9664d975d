-- Attachments: content-addressed within an institution, each owner with a key to it of their own.

CREATE TABLE lrs.attachments (
    attachment uuid NOT NULL,
    owner uuid NOT NULL,
    institution uuid NOT NULL,
    content_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (attachment, owner)
);
CREATE INDEX attachments_owner ON lrs.attachments (institution, owner);
CREATE INDEX attachments_content ON lrs.attachments (content_id);
COMMENT ON TABLE lrs.attachments IS 'Who may open which attachment; the last owner''s row goes with the content.';
COMMENT ON COLUMN lrs.attachments.attachment IS 'Keyed hash of institution and SHA-2 of the content. Immutable.';
COMMENT ON COLUMN lrs.attachments.owner IS 'Pseudonym of the owner of a statement that has it. Immutable.';
COMMENT ON COLUMN lrs.attachments.institution IS 'Institution. Immutable.';
COMMENT ON COLUMN lrs.attachments.content_id IS 'The content; the same for all its owners. Immutable.';
COMMENT ON COLUMN lrs.attachments.sealed IS 'The content''s own key, sealed under the owner''s. Immutable.';
GRANT SELECT, INSERT, DELETE ON lrs.attachments TO lrs_writer;
