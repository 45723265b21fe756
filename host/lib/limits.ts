/** Everything has a limit, and the limit has a name. */
export const LIMITS = {
  instancesMax: 1_048_576,
  nodesMax: 65_536,
  groupsMax: 65_536,
  idBytesMax: 253,
  hiddenSizeMax: 128,
  inputSizeMax: 64,
  summarySizeMax: 256,
  /** A weights file larger than this is not ours. */
  weightsBytesMax: 64 * 1024 * 1024,
  weightsHeaderBytesMax: 1024 * 1024,
  /** Longest line any trace reader accepts. */
  traceLineBytesMax: 64 * 1024,
  pendingRequestsMax: 10_000,
  workersMax: 64,
  /** Samples of one instance that may wait for a tick. */
  pendingSamplesPerInstanceMax: 4_096,
  /** Largest amount of one resource; a million of them still add up exactly. */
  amountMax: 2 ** 22,
  /** Leases held or claimed at one time. */
  reservationsMax: 262_144,
  outageMinutesMax: 60 * 24 * 31,
  /** Ledger: a key is an id or a few ids joined; the store itself takes 1,978 bytes. */
  ledgerKeyBytesMax: 1_024,
  /** Acts that the dry-run engine remembers. */
  actsKeptMax: 100_000,
  /** Decisions and plans that the ledger keeps; the oldest go first. */
  decisionsKeptMax: 100_000,
  /** Cuts of one `predict` call, and the file that lists them. */
  cutsMax: 100_000,
  cutsFileBytesMax: 16 * 1024 * 1024,
  /** Job types with offsets and surges of their own; later ones share what all have in common. */
  jobTypesTrackedMax: 4_096,
} as const;
