/** A machine that dies at one step: before or after it has had its effect. Then nothing works until a new start. */
export class Machine {
  readonly dieAt: number;
  readonly moment: "before" | "after";
  steps = 0;
  off = false;

  constructor(dieAt: number, moment: "before" | "after") {
    this.dieAt = dieAt;
    this.moment = moment;
  }

  async step<T>(run: () => Promise<T>): Promise<T> {
    if (this.off) throw new Error("the machine is off");
    const dies = ++this.steps === this.dieAt;
    if (dies && this.moment === "before") return this.#die();
    const result = await run();
    if (this.off || dies) return this.#die();
    return result;
  }

  #die(): never {
    this.off = true;
    throw new Error("the machine is off");
  }

  /** Every call of `inner` is a step. */
  wrap<T extends object>(inner: T): T {
    return new Proxy(inner, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => this.step(async () => (await member.apply(target, args)) as unknown);
      },
    });
  }
}
