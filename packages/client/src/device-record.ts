import { EncodingError, Reader, Writer } from "@porchlight/encoding";
import { type MlsSuite, type OwnDevice, type OwnKeyPackage, restoreDevice } from "@porchlight/mls";
import { ClientError } from "./error.ts";

/** This device and the key packages that it published and that were not used yet. */
export type DeviceRecord = { readonly device: OwnDevice; readonly keyPackages: readonly OwnKeyPackage[] };

const VERSION = 1;
const MAX_KEY_PACKAGE = 65_535;

/** A record as bytes: private keys, to be encrypted at rest by the storage. */
export function formatDeviceRecord({ device, keyPackages }: DeviceRecord): Uint8Array {
  const writer = new Writer()
    .uint(VERSION, 1)
    .fixed(device.identityKey, 32)
    .opaque(device.credential, 2)
    .fixed(device.deviceSeed, 32)
    .uint(keyPackages.length, 4);
  for (const one of keyPackages) {
    writer.opaque(one.public, 4).opaque(one.initPrivateKey, 2).opaque(one.leafPrivateKey, 2);
  }
  return writer.finish();
}

/** Strict inverse of {@link formatDeviceRecord}; throws ClientError "state-corrupt", MlsError. */
export function parseDeviceRecord(suite: MlsSuite, bytes: Uint8Array): DeviceRecord {
  try {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new EncodingError("out-of-range", "device.version");
    const device = restoreDevice({
      suite,
      identityKey: reader.fixed(32, "identity key"),
      credential: reader.opaque(2, 1000, "credential"),
      deviceSeed: reader.fixed(32, "device seed"),
    });
    const keyPackages: OwnKeyPackage[] = [];
    for (let left = reader.uint(4, "key packages"); left > 0; left--) {
      keyPackages.push({
        public: reader.opaque(4, MAX_KEY_PACKAGE, "key package"),
        initPrivateKey: reader.opaque(2, 1000, "init key"),
        leafPrivateKey: reader.opaque(2, 1000, "leaf key"),
      });
    }
    reader.end("device");
    return { device, keyPackages };
  } catch (cause) {
    if (cause instanceof EncodingError) {
      throw new ClientError("state-corrupt", "the saved device is not what was saved", { cause });
    }
    throw cause;
  }
}
