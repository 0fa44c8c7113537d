// SPDX-License-Identifier: MIT
// monitor - asks for /state again and again, and reads the worker's clock from it.
const CALM_MS = 2000;
const TROUBLED_MS = 1000;
const TIMEOUT_MS = 5000;
const DRIFT_MS = 0.5; // between two answers
const UNSURE_MS = 40; // no delay is shown that may be wrong by more

export class Monitor {
	#timer = 0;
	#turn = 0; // of start() and stop(): an older one asks no more
	#offset = 0; // of the worker's clock to ours, in ms
	#error = Infinity;

	calm = true;
	result = null; // the newest answer, null if there was none
	onresult = () => {}; // (result)

	start() {
		this.stop();
		this.#run(this.#turn);
	}

	stop() {
		this.#turn++;
		clearTimeout(this.#timer);
	}

	// Asks now.
	async ask() {
		const sent = performance.now();
		try {
			const signal = AbortSignal.timeout(TIMEOUT_MS);
			const answer = await fetch("state", { signal, cache: "no-store" });
			const arrived = performance.now();
			this.result = (await answer.json()).result;
			this.#read(1000 * this.result.now, sent, arrived);
		} catch {
			this.result = null;
		}
		this.onresult(this.result);
	}

	// Milliseconds since a moment of the worker's clock (in s); null if unsure.
	since(moment) {
		const ms = performance.now() + this.#offset - 1000 * moment;
		return this.#error > UNSURE_MS || ms < 0 ? null : ms;
	}

	async #run(turn) {
		await this.ask();
		if (turn === this.#turn)
			this.#timer = setTimeout(() => this.#run(turn), this.calm ? CALM_MS : TROUBLED_MS);
	}

	// The answer was written between sent and arrived: half of that is the error.
	#read(now, sent, arrived) {
		const offset = now - (sent + arrived) / 2;
		const error = (arrived - sent) / 2;
		// Clocks drift, and are set: an old reading is trusted less each time.
		this.#error += DRIFT_MS;
		if (error > this.#error && Math.abs(offset - this.#offset) <= error + this.#error)
			return;
		this.#offset = offset;
		this.#error = error;
	}
}
