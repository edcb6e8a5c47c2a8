-- What all silos of this database remember together, in small texts: which bucket and which ledger are theirs, and the newest tree
-- head that they have accepted. A text is replaced only by a silo that has read the one before.
CREATE TABLE IF NOT EXISTS CiuicMemory
(
    ServiceId text NOT NULL,
    Name      text NOT NULL,
    Content   text NOT NULL,
    PRIMARY KEY (ServiceId, Name)
);
