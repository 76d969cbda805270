// As much of a mail server (RFC 5321) as takes a message: for tests of what is sent.
import { createServer, type Server, type Socket } from "node:net";

export class TestMailServer {
  readonly messages: { readonly from: string; readonly to: string; readonly data: string }[] = [];
  /** How many deliveries it refuses before it takes one. */
  refusals = 0;
  readonly #server: Server = createServer((socket) => this.#serve(socket));

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let [from, to, data] = ["", "", ""];
    let inData = false;
    let rest = "";
    socket.setEncoding("utf8").write("220 test\r\n");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      rest += String(chunk);
      for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (inData) {
          if (line !== ".") data += `${line}\n`;
          else {
            inData = false;
            this.messages.push({ from, to, data });
            socket.write("250 taken\r\n");
          }
          continue;
        }
        const [verb = ""] = line.toUpperCase().split(" ");
        if (verb === "MAIL") from = line;
        if (verb === "RCPT") to = line;
        if (verb === "DATA" && this.refusals > 0) {
          this.refusals--;
          socket.write("451 later\r\n");
        } else if (verb === "DATA") {
          inData = true;
          data = "";
          socket.write("354 go on\r\n");
        } else if (verb === "QUIT") socket.end("221 bye\r\n");
        else socket.write(verb === "EHLO" ? "250 test\r\n" : "250 ok\r\n");
      }
    });
  }
}
