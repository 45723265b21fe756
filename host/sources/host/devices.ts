/** Which devices count once. Names are those of Linux; on other systems nothing is left out. */

interface Sized {
  readonly bytes: number;
}

export interface InterfaceTotals {
  readonly interface: string;
  readonly rxBytes: Sized;
  readonly txBytes: Sized;
}

export interface DiskTotals {
  readonly device: string;
  readonly readBytes: Sized;
  readonly writeBytes: Sized;
}

/** Bytes received and sent; what stays on the machine is no traffic. */
export function sumNetworkBytes(interfaces: readonly InterfaceTotals[]): number {
  return interfaces
    .filter((each) => !/^lo\d*$/.test(each.interface))
    .reduce((sum, each) => sum + each.rxBytes.bytes + each.txBytes.bytes, 0);
}

/** Bytes read and written by whole disks: a partition or a mapped device would count twice. */
export function sumDiskBytes(disks: readonly DiskTotals[]): number {
  const names = new Set(disks.map(({ device }) => device));
  return disks
    .filter(({ device }) => isWholeDisk(device, names))
    .reduce((sum, each) => sum + each.readBytes.bytes + each.writeBytes.bytes, 0);
}

function isWholeDisk(device: string, names: ReadonlySet<string>): boolean {
  if (/^(loop|ram|zram|dm-|md|sr|fd)\d/.test(device)) return false;
  const disk = /^(.*\d)p\d+$/.exec(device)?.[1] ?? /^(.*?)\d+$/.exec(device)?.[1];
  return disk === undefined || !names.has(disk);
}
