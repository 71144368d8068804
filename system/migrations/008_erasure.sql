-- Erasing a person: the fact, the end of the key and the word to all processes are one commit.

CREATE INDEX events_erasures ON events (agency, stream) WHERE name = 'PartyErased';
CREATE INDEX data_keys_erased ON data_keys (erased_at) WHERE erased_at IS NOT NULL;

CREATE FUNCTION destroy_key(of_agency uuid, of_subject uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO data_keys (agency, subject, wrapped, erased_at)
    VALUES (of_agency, of_subject, NULL, clock_timestamp())
    ON CONFLICT (agency, subject) DO UPDATE
    SET wrapped = NULL, erased_at = clock_timestamp();
    SELECT pg_notify('erasures', of_agency || ' ' || of_subject);
$$;
COMMENT ON FUNCTION destroy_key IS 'Ends the key of one person in one agency, and tells every process once that is committed.';

CREATE FUNCTION erase_with_the_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM destroy_key(NEW.agency, NEW.stream);
    RETURN NULL;
END
$$;
CREATE TRIGGER erase_with_the_event AFTER INSERT ON events
    FOR EACH ROW WHEN (NEW.name = 'PartyErased') EXECUTE FUNCTION erase_with_the_event();
