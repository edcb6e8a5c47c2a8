-- Ciuic on PostgreSQL: the tables and queries that the Orleans AdoNet providers ask for by name.
-- Applied once, in one transaction, by PostgresDatabase; a later version is a later script.
-- Every write is one statement: it is a transaction of its own, and of any number of writers of one row exactly one finds
-- the version that it expects.

CREATE TABLE CiuicSchema (Version integer NOT NULL);
INSERT INTO CiuicSchema (Version) VALUES (1);

CREATE TABLE OrleansQuery
(
    QueryKey  text PRIMARY KEY,
    QueryText text NOT NULL
);

-- Grain state. The version is the ETag: a write or clear of another version than the stored one changes nothing
-- and returns no row, which Orleans turns into InconsistentStateException. Rows are rewritten at each commit: room is left
-- in the pages, so that the new version of a row finds a place beside the old one.
CREATE TABLE OrleansStorage
(
    GrainIdHash            integer     NOT NULL,
    GrainIdN0              bigint      NOT NULL,
    GrainIdN1              bigint      NOT NULL,
    GrainTypeHash          integer     NOT NULL,
    GrainTypeString        text        NOT NULL,
    GrainIdExtensionString text,
    ServiceId              text        NOT NULL,
    PayloadBinary          bytea,
    ModifiedOn             timestamptz NOT NULL,
    Version                integer     NOT NULL
) WITH (fillfactor = 70);

-- Unique over the whole key: of two activations that both write a grain's first state, one must lose.
CREATE UNIQUE INDEX OrleansStorageKey ON OrleansStorage
(
    GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, ServiceId, GrainTypeString, (COALESCE(GrainIdExtensionString, ''))
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('ReadFromStorageKey', '
SELECT PayloadBinary, Version
FROM OrleansStorage
WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash
  AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
  AND ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString
  AND COALESCE(GrainIdExtensionString, '''') = COALESCE(@GrainIdExtensionString, '''')
'),
-- A first write (no version) inserts and conflicts with any row; a later one updates exactly its version. The condition
-- keeps a later write of a row that is gone from inserting it anew.
('WriteToStorageKey', '
INSERT INTO OrleansStorage AS stored
    (GrainIdHash, GrainIdN0, GrainIdN1, GrainTypeHash, GrainTypeString, GrainIdExtensionString, ServiceId,
     PayloadBinary, ModifiedOn, Version)
SELECT @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainTypeHash, @GrainTypeString, @GrainIdExtensionString, @ServiceId,
       @PayloadBinary, now(), 1
WHERE @GrainStateVersion IS NULL
   OR EXISTS (SELECT FROM OrleansStorage known
              WHERE known.GrainIdHash = @GrainIdHash AND known.GrainTypeHash = @GrainTypeHash
                AND known.GrainIdN0 = @GrainIdN0 AND known.GrainIdN1 = @GrainIdN1
                AND known.ServiceId = @ServiceId AND known.GrainTypeString = @GrainTypeString
                AND COALESCE(known.GrainIdExtensionString, '''') = COALESCE(@GrainIdExtensionString, ''''))
ON CONFLICT (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, ServiceId, GrainTypeString,
             (COALESCE(GrainIdExtensionString, '''')))
DO UPDATE SET PayloadBinary = excluded.PayloadBinary,
              ModifiedOn = excluded.ModifiedOn,
              Version = stored.Version + 1
WHERE stored.Version = @GrainStateVersion
RETURNING stored.Version AS NewGrainStateVersion
'),
('ClearStorageKey', '
UPDATE OrleansStorage
SET PayloadBinary = NULL, ModifiedOn = now(), Version = Version + 1
WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash
  AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
  AND ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString
  AND COALESCE(GrainIdExtensionString, '''') = COALESCE(@GrainIdExtensionString, '''')
  AND Version = @GrainStateVersion
RETURNING Version AS NewGrainStateVersion
'),
('DeleteStorageKey', '
DELETE FROM OrleansStorage
WHERE GrainIdHash = @GrainIdHash AND GrainTypeHash = @GrainTypeHash
  AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1
  AND ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString
  AND COALESCE(GrainIdExtensionString, '''') = COALESCE(@GrainIdExtensionString, '''')
  AND Version = @GrainStateVersion
RETURNING Version + 1 AS NewGrainStateVersion
');

-- Reminders.
CREATE TABLE OrleansRemindersTable
(
    ServiceId    text        NOT NULL,
    GrainId      text        NOT NULL,
    ReminderName text        NOT NULL,
    StartTime    timestamptz NOT NULL,
    Period       bigint      NOT NULL,
    GrainHash    integer     NOT NULL,
    Version      integer     NOT NULL,
    PRIMARY KEY (ServiceId, GrainId, ReminderName)
);

CREATE INDEX OrleansRemindersByHash ON OrleansRemindersTable (ServiceId, GrainHash);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('UpsertReminderRowKey', '
INSERT INTO OrleansRemindersTable AS stored (ServiceId, GrainId, ReminderName, StartTime, Period, GrainHash, Version)
VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
ON CONFLICT (ServiceId, GrainId, ReminderName)
DO UPDATE SET StartTime = excluded.StartTime, Period = excluded.Period, GrainHash = excluded.GrainHash,
              Version = stored.Version + 1
RETURNING stored.Version AS Version
'),
('ReadReminderRowsKey', '
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE ServiceId = @ServiceId AND GrainId = @GrainId
'),
('ReadReminderRowKey', '
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE ServiceId = @ServiceId AND GrainId = @GrainId AND ReminderName = @ReminderName
'),
('ReadRangeRows1Key', '
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE ServiceId = @ServiceId AND GrainHash > @BeginHash AND GrainHash <= @EndHash
'),
('ReadRangeRows2Key', '
SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
WHERE ServiceId = @ServiceId AND (GrainHash > @BeginHash OR GrainHash <= @EndHash)
'),
('DeleteReminderRowKey', '
WITH gone AS (DELETE FROM OrleansRemindersTable
              WHERE ServiceId = @ServiceId AND GrainId = @GrainId AND ReminderName = @ReminderName AND Version = @Version
              RETURNING ReminderName)
SELECT COUNT(*)::integer FROM gone
'),
('DeleteReminderRowsKey', '
DELETE FROM OrleansRemindersTable WHERE ServiceId = @ServiceId
');

-- Which silos there are. Each change raises the version of the whole table, and only if it is the one that the silo has
-- read: of two changes at once one fails and is decided anew.
CREATE TABLE OrleansMembershipVersionTable
(
    DeploymentId text        PRIMARY KEY,
    Timestamp    timestamptz NOT NULL,
    Version      integer     NOT NULL
);

CREATE TABLE OrleansMembershipTable
(
    DeploymentId text        NOT NULL REFERENCES OrleansMembershipVersionTable (DeploymentId),
    Address      text        NOT NULL,
    Port         integer     NOT NULL,
    Generation   integer     NOT NULL,
    SiloName     text        NOT NULL,
    HostName     text        NOT NULL,
    Status       integer     NOT NULL,
    ProxyPort    integer,
    SuspectTimes text,
    StartTime    timestamptz NOT NULL,
    IAmAliveTime timestamptz NOT NULL,
    PRIMARY KEY (DeploymentId, Address, Port, Generation)
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('InsertMembershipVersionKey', '
WITH made AS (INSERT INTO OrleansMembershipVersionTable (DeploymentId, Timestamp, Version)
              VALUES (@DeploymentId, now(), 0)
              ON CONFLICT DO NOTHING
              RETURNING Version)
SELECT COUNT(*)::integer FROM made
'),
('InsertMembershipKey', '
WITH table_version AS (UPDATE OrleansMembershipVersionTable
                       SET Timestamp = now(), Version = Version + 1
                       WHERE DeploymentId = @DeploymentId AND Version = @Version
                         AND NOT EXISTS (SELECT FROM OrleansMembershipTable
                                         WHERE DeploymentId = @DeploymentId AND Address = @Address
                                           AND Port = @Port AND Generation = @Generation)
                       RETURNING DeploymentId),
     made AS (INSERT INTO OrleansMembershipTable
                  (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
              SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort,
                     @StartTime, @IAmAliveTime
              FROM table_version
              RETURNING Port)
SELECT COUNT(*)::integer FROM made
'),
('UpdateMembershipKey', '
WITH table_version AS (UPDATE OrleansMembershipVersionTable
                       SET Timestamp = now(), Version = Version + 1
                       WHERE DeploymentId = @DeploymentId AND Version = @Version
                         AND EXISTS (SELECT FROM OrleansMembershipTable
                                     WHERE DeploymentId = @DeploymentId AND Address = @Address
                                       AND Port = @Port AND Generation = @Generation)
                       RETURNING DeploymentId),
     changed AS (UPDATE OrleansMembershipTable silo
                 SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
                 FROM table_version
                 WHERE silo.DeploymentId = table_version.DeploymentId AND silo.Address = @Address
                   AND silo.Port = @Port AND silo.Generation = @Generation
                 RETURNING silo.Port)
SELECT COUNT(*)::integer FROM changed
'),
('UpdateIAmAlivetimeKey', '
UPDATE OrleansMembershipTable SET IAmAliveTime = @IAmAliveTime
WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation
'),
('MembershipReadRowKey', '
SELECT whole.DeploymentId, silo.Address, silo.Port, silo.Generation, silo.SiloName, silo.HostName, silo.Status,
       silo.ProxyPort, silo.SuspectTimes, silo.StartTime, silo.IAmAliveTime, whole.Version
FROM OrleansMembershipVersionTable whole
LEFT JOIN OrleansMembershipTable silo
    ON silo.DeploymentId = whole.DeploymentId AND silo.Address = @Address AND silo.Port = @Port
       AND silo.Generation = @Generation
WHERE whole.DeploymentId = @DeploymentId
'),
('MembershipReadAllKey', '
SELECT whole.DeploymentId, silo.Address, silo.Port, silo.Generation, silo.SiloName, silo.HostName, silo.Status,
       silo.ProxyPort, silo.SuspectTimes, silo.StartTime, silo.IAmAliveTime, whole.Version
FROM OrleansMembershipVersionTable whole
LEFT JOIN OrleansMembershipTable silo ON silo.DeploymentId = whole.DeploymentId
WHERE whole.DeploymentId = @DeploymentId
'),
('GatewaysQueryKey', '
SELECT Address, ProxyPort, Generation FROM OrleansMembershipTable
WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0
'),
-- 3 is Active: what is alive is never cleaned away.
('CleanupDefunctSiloEntriesKey', '
DELETE FROM OrleansMembershipTable
WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status <> 3
'),
('DeleteMembershipTableEntriesKey', '
WITH silos AS (DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId)
DELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = @DeploymentId
');
