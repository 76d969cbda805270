// The cheapest WebSocket client that is legal: a generator must not be what is measured.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class FastSocket {
  readonly #socket: Socket;
  #left: Buffer | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number, path: string): Promise<FastSocket> {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.on("error", () => {});
    await once(socket, "connect");
    const key = randomBytes(16).toString("base64");
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    const [head] = (await once(socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(head.toString("latin1"));
    return new FastSocket(socket);
  }

  onMessage(listener: (message: Buffer) => void): void {
    this.#socket.on("data", (data) => {
      let rest = this.#left === null ? data : Buffer.concat([this.#left, data]);
      while (rest.length >= 2) {
        let length = (rest[1] as number) & 127;
        let header = 2;
        if (length === 126) {
          if (rest.length < 4) break;
          length = rest.readUInt16BE(2);
          header = 4;
        } else if (length === 127) {
          if (rest.length < 10) break;
          length = Number(rest.readBigUInt64BE(2));
          header = 10;
        }
        if (rest.length < header + length) break;
        if (((rest[0] as number) & 15) === 2) listener(rest.subarray(header, header + length));
        rest = rest.subarray(header + length);
      }
      this.#left = rest.length > 0 ? Buffer.from(rest) : null;
    });
  }

  onClose(listener: () => void): void {
    this.#socket.on("close", listener);
  }

  /** With a mask of zeroes, which changes nothing. */
  send(payload: Uint8Array): void {
    const { length } = payload;
    const header = length < 126 ? 6 : length < 65_536 ? 8 : 14;
    const frame = Buffer.alloc(header + length);
    frame[0] = 0x82;
    if (header === 6) frame[1] = 0x80 | length;
    else if (header === 8) {
      frame[1] = 0x80 | 126;
      frame.writeUInt16BE(length, 2);
    } else {
      frame[1] = 0x80 | 127;
      frame.writeBigUInt64BE(BigInt(length), 2);
    }
    frame.set(payload, header);
    this.#socket.write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }
}
