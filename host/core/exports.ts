/**
 * The core's exported functions as the host sees them. Addresses are bytes, strides are bytes,
 * counts are numbers of things. `docs/abi.md` explains each; a test compares the lists.
 *
 * A type alias, not an interface: the loader's generic wants an index signature.
 */
export type KernelExports = {
  // core
  abiVersion(): number;
  arenaBase(): number;
  // nn
  gruPackedBytes(inputSize: number, hiddenSize: number): number;
  packGru(
    weightIh: number,
    weightHh: number,
    biasIh: number,
    biasHh: number,
    packed: number,
    inputSize: number,
    hiddenSize: number,
  ): void;
  gruStep(
    packed: number,
    x: number,
    xStrideBytes: number,
    hIn: number,
    hOut: number,
    hStrideBytes: number,
    mask: number,
    maskStrideBytes: number,
    tileCount: number,
    inputSize: number,
    hiddenSize: number,
    scratch: number,
  ): void;
  gruOnePackedBytes(inputSize: number, hiddenSize: number): number;
  packGruOne(
    weightIh: number,
    weightHh: number,
    biasIh: number,
    biasHh: number,
    packed: number,
    inputSize: number,
    hiddenSize: number,
  ): void;
  gruStepOne(
    packed: number,
    x: number,
    hIn: number,
    hOut: number,
    inputSize: number,
    hiddenSize: number,
    scratch: number,
  ): void;
  headPackedBytes(hiddenSize: number, summarySize: number): number;
  headScratchBytes(): number;
  packHead(
    weight0: number,
    bias0: number,
    weight1: number,
    bias1: number,
    weight2: number,
    bias2: number,
    packed: number,
    hiddenSize: number,
    summarySize: number,
  ): void;
  headRaw(
    packed: number,
    h: number,
    hStrideBytes: number,
    s: number,
    sStrideBytes: number,
    out: number,
    outStrideBytes: number,
    tileCount: number,
    hiddenSize: number,
    summarySize: number,
    scratch: number,
  ): void;
  head(
    packed: number,
    h: number,
    hStrideBytes: number,
    s: number,
    sStrideBytes: number,
    out: number,
    outStrideBytes: number,
    tileCount: number,
    hiddenSize: number,
    summarySize: number,
    scratch: number,
  ): void;
  headPair(
    packed: number,
    h: number,
    s: number,
    other: number,
    out: number,
    otherOut: number,
    hiddenSize: number,
    summarySize: number,
    scratch: number,
  ): void;
  quantiles(
    raw: number,
    rawStrideBytes: number,
    out: number,
    outStrideBytes: number,
    tileCount: number,
  ): void;
  envelope(
    quantiles: number,
    qStrideBytes: number,
    scale: number,
    scaleStrideBytes: number,
    cap: number,
    capStrideBytes: number,
    offset: number,
    out: number,
    outStrideBytes: number,
    tileCount: number,
  ): void;
  keepNeed(
    envelope: number,
    envelopeStrideBytes: number,
    out: number,
    outStrideBytes: number,
    tileCount: number,
  ): void;
  laneAnswer(
    packed: number,
    state: number,
    hidden: number,
    lane: number,
    atSeconds: number,
    outageMinutes: number,
    offset: number,
    out: number,
    hiddenSize: number,
    summarySize: number,
    scratch: number,
  ): void;
  sweep(which: number, input: number, output: number, count: number): void;

  // planning
  coverScratchBytes(count: number, groupCount: number): number;
  leastCover(
    freed: number,
    costs: number,
    groups: number,
    count: number,
    needed: number,
    budgets: number,
    groupCount: number,
    scratch: number,
    chosen: number,
    result: number,
  ): number;

  // pools
  fitCount(
    roomPtr: number,
    roomStrideBytes: number,
    nodeCount: number,
    columnCount: number,
    needsPtr: number,
    needCount: number,
    outPtr: number,
  ): void;
  fitFirst(
    roomPtr: number,
    roomStrideBytes: number,
    nodeCount: number,
    columnCount: number,
    needsPtr: number,
    needCount: number,
    outPtr: number,
  ): void;
  fitBest(
    roomPtr: number,
    roomStrideBytes: number,
    nodeCount: number,
    columnCount: number,
    needsPtr: number,
    needCount: number,
    weightsPtr: number,
    outPtr: number,
  ): void;
  fitMask(
    roomPtr: number,
    roomStrideBytes: number,
    nodeCount: number,
    columnCount: number,
    needsPtr: number,
    needCount: number,
    outPtr: number,
    outStrideBytes: number,
  ): void;
  fitLeast(
    roomPtr: number,
    roomStrideBytes: number,
    nodeCount: number,
    columnCount: number,
    needPtr: number,
    scoresPtr: number,
  ): number;
  headroom(
    allocatablePtr: number,
    allocatedPtr: number,
    reservedPtr: number,
    outPtr: number,
    strideBytes: number,
    nodeCount: number,
  ): void;
  columnSums(
    tablePtr: number,
    strideBytes: number,
    nodeCount: number,
    columnCount: number,
    outPtr: number,
  ): void;
  aggregateQuantile(
    medianPtr: number,
    upperPtr: number,
    strideBytes: number,
    memberCount: number,
    columnCount: number,
    rhoPtr: number,
    z: number,
    outPtr: number,
  ): void;
  memberDraws(
    commonPtr: number,
    groupPtr: number,
    causePtr: number,
    ownPtr: number,
    loadsPtr: number,
    knotsPtr: number,
    limitsPtr: number,
    outPtr: number,
    columnCount: number,
    drawCount: number,
  ): void;
  moveSums(changesPtr: number, changeCount: number, drawCount: number, sumsPtr: number): void;
  sumQuantile(
    sumsPtr: number,
    drawCount: number,
    aboveMax: number,
    low: number,
    high: number,
    topPtr: number,
  ): number;
  waterFill(
    mostPtr: number,
    heldPtr: number,
    neededPtr: number,
    strideBytes: number,
    count: number,
    roundCount: number,
    harmPtr: number,
    givenPtr: number,
  ): void;
  // training
  copyLaneRows(from: number, fromRow: number, to: number, toRow: number, rows: number): void;
  trainGruForward(
    weights: number,
    x: number,
    mask: number,
    hidden: number,
    gates: number,
    stepCount: number,
    inputSize: number,
    hiddenSize: number,
  ): void;
  trainGruBackward(
    weightHh: number,
    hidden: number,
    gates: number,
    gradient: number,
    gradientRow: number,
    stepCount: number,
    hiddenSize: number,
  ): void;
  trainAffine(
    weight: number,
    bias: number,
    x: number,
    y: number,
    rows: number,
    inner: number,
    blocks: number,
  ): void;
  trainAffineInput(
    weight: number,
    dy: number,
    dx: number,
    rows: number,
    inner: number,
    columns: number,
    blocks: number,
  ): void;
  trainWeightGradient(
    dy: number,
    dyRow: number,
    dyBlock: number,
    x: number,
    xRow: number,
    xBlock: number,
    out: number,
    rows: number,
    inner: number,
    blocks: number,
  ): void;
  trainBiasGradient(dy: number, dyRow: number, out: number, rows: number, blocks: number): void;
  trainSilu(x: number, y: number, count: number): void;
  trainSiluGradient(x: number, gradient: number, count: number): void;
  trainPinball(
    raw: number,
    target: number,
    levels: number,
    result: number,
    needs: number,
    blocks: number,
  ): void;
  asinhRatio(value: number, scale: number, out: number, count: number): void;
  gradientSum(
    gradients: number,
    stride: number,
    blocks: number,
    out: number,
    count: number,
    scale: number,
  ): void;
  squaredNorm(values: number, count: number): number;
  adamStep(
    weights: number,
    gradient: number,
    mean: number,
    square: number,
    count: number,
    clip: number,
    step: number,
    beta1: number,
    beta2: number,
    squareCorrection: number,
    epsilon: number,
    keep: number,
  ): void;
  // profiler
  carryLanes(mask: number, from: number, to: number, rowCount: number): void;
  // summary
  ingest(
    state: number,
    stateStride: number,
    inbox: number,
    inboxStride: number,
    x: number,
    xStride: number,
    mask: number,
    maskStride: number,
    tileCount: number,
  ): number;
  features(
    state: number,
    stateStride: number,
    out: number,
    outStride: number,
    tileCount: number,
    atSeconds: number,
    outageMinutes: number,
  ): void;
  featuresForOutage(
    state: number,
    stateStride: number,
    from: number,
    fromStride: number,
    out: number,
    outStride: number,
    tileCount: number,
    atSeconds: number,
    outageMinutes: number,
  ): void;
  statistics(
    state: number,
    stateStride: number,
    out: number,
    outStride: number,
    tileCount: number,
  ): void;
  usageHistory(
    state: number,
    stateStride: number,
    out: number,
    outStride: number,
    tileCount: number,
    atSeconds: number,
    outageMinutes: number,
  ): void;
};
