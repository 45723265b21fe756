/**
 * What real exporters sent, in base64: `@opentelemetry/exporter-metrics-otlp-proto` and `-http`
 * 0.57.2 (Apache-2.0), two exports each of a counter `container.cpu.time` (user 10 then .5 more,
 * system 2 then .25 more, 1.1 s apart) and a gauge `container.memory.usage` of 1.5 GiB, of the pod
 * cart-0 in the namespace shop.
 */

/** Cumulative sums. */
export const BINARY_FIRST = [
  "Cp0DCtABCiYKDHNlcnZpY2UubmFtZRIWChR1bmtub3duX3NlcnZpY2U6bm9kZQoiChZ0ZWxlbWV0cnkuc2RrLmxh",
  "bmd1YWdlEggKBm5vZGVqcwolChJ0ZWxlbWV0cnkuc2RrLm5hbWUSDwoNb3BlbnRlbGVtZXRyeQohChV0ZWxlbWV0",
  "cnkuc2RrLnZlcnNpb24SCAoGMS4zMC4xChwKEms4cy5uYW1lc3BhY2UubmFtZRIGCgRzaG9wChgKDGs4cy5wb2Qu",
  "bmFtZRIICgZjYXJ0LTAQABLHAQoHCgNsYWISABJ9ChJjb250YWluZXIuY3B1LnRpbWUSABoBczpiCiwRAL/2QFsO",
  "6xgZAL/2QFsO6xghAAAAAAAAJEA6DwoFc3RhdGUSBgoEdXNlcgouEQC/9kBbDusYGQC/9kBbDusYIQAAAAAAAABA",
  "OhEKBXN0YXRlEggKBnN5c3RlbRACGAESPQoWY29udGFpbmVyLm1lbW9yeS51c2FnZRIAGgJCeSodChsRAL/2QFsO",
  "6xgZAL/2QFsO6xghAAAAAAAA2EE=",
].join("");

/** The next export. */
export const BINARY_SECOND = [
  "Cp0DCtABCiYKDHNlcnZpY2UubmFtZRIWChR1bmtub3duX3NlcnZpY2U6bm9kZQoiChZ0ZWxlbWV0cnkuc2RrLmxh",
  "bmd1YWdlEggKBm5vZGVqcwolChJ0ZWxlbWV0cnkuc2RrLm5hbWUSDwoNb3BlbnRlbGVtZXRyeQohChV0ZWxlbWV0",
  "cnkuc2RrLnZlcnNpb24SCAoGMS4zMC4xChwKEms4cy5uYW1lc3BhY2UubmFtZRIGCgRzaG9wChgKDGs4cy5wb2Qu",
  "bmFtZRIICgZjYXJ0LTAQABLHAQoHCgNsYWISABJ9ChJjb250YWluZXIuY3B1LnRpbWUSABoBczpiCiwRAL/2QFsO",
  "6xgZwOR5h1sO6xghAAAAAAAAJUA6DwoFc3RhdGUSBgoEdXNlcgouEQC/9kBbDusYGcDkeYdbDusYIQAAAAAAAAJA",
  "OhEKBXN0YXRlEggKBnN5c3RlbRACGAESPQoWY29udGFpbmVyLm1lbW9yeS51c2FnZRIAGgJCeSodChsRAL/2QFsO",
  "6xgZwOR5h1sO6xghAAAAAAAA2EE=",
].join("");

/** JSON, gzip, deltas: the second export. */
export const ZIPPED_JSON = [
  "H4sIAAAAAAAAA7VTTY/TMBD9L3M2UdKPdPGNj+siDgsXVCE3GQXT2GN5xoWoyn9HcUq1wKYrIa198vjNm3l+4zNE",
  "ZEqxwXuUaBsG/eV8jYE+gxGJ9pAE56sjDqCBMZ5sg4U3DkHByfQpg1mi9d3n+QjJHz398F8vaO2pRRhH9ZtFsEeH",
  "EoeC22PRG98l093gm/K/8zLD7W4ooL/il0lOGNmSX+apinVZVI8Jjneca3Mwz74Jf6Pwd26g9pmsxkR5VcI47hW0",
  "kULA9s3Vl3eUvIAuRwXcUPjDyRyY+DK/ht4cpioXjRpgVOAe4S+whrwY6zEWTUiF2Nxbi9xEG+SSqSB5K5MkUMDJ",
  "5WHpuoidmSAP6AJF01sZQFcKLN+TJyFvG9ASEypojZiPZL3MtZ+eNDFya8QY4/wsLCbKg3X4ydufH4ynyard6+12",
  "s6nr1W5VzgsUyAJofbdZX0GG31M69Ai6LLaTXf/THQ8s6F68v9V23OeR+sc9h47iUCSe/9WSg28HUNCZ1GUNt2x5",
  "SSFVXZV1tdqt60nOPu9fR6WapKAEAAA=",
].join("");
