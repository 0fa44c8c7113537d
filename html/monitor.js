// SPDX-License-Identifier: MIT
// monitor - asks for /state again and again, and reads the worker's clock from it.
const CALM_MS = 2000;
const TROUBLED_MS = 1000; // what is awaited is seen sooner
const TIMEOUT_MS = 5000;
const SAMPLES = 10;
const UNSURE_MS = 40; // a delay shown to ten milliseconds may be wrong by so much at most

export class Monitor {
	#url;
	#timer = 0;
	#running = false;
	#samples = []; // { offset, error } of the worker's clock to ours, in ms

	calm = true;
	result = null; // the newest answer, null if there was none
	onresult = () => {};

	constructor(url) {
		this.#url = url;
	}

	start() {
		if (!this.#running)
			this.#run();
	}

	stop() {
		this.#running = false;
		clearTimeout(this.#timer);
	}

	// Asks now.
	async ask() {
		const sent = performance.now();
		try {
			const signal = AbortSignal.timeout(TIMEOUT_MS);
			const answer = await fetch(this.#url, { signal, cache: "no-store" });
			const arrived = performance.now();
			this.result = (await answer.json()).result;
			this.#sample(1000 * this.result.now, sent, arrived);
		} catch {
			this.result = null;
		}
		this.onresult(this.result);
	}

	// Milliseconds since a moment of the worker's clock (in s); null if unsure.
	since(moment) {
		const best = this.#samples.toSorted((a, b) => a.error - b.error)[0];
		if (!best || best.error > UNSURE_MS)
			return null;
		const ms = performance.now() + best.offset - 1000 * moment;
		return ms < 0 ? null : ms;
	}

	async #run() {
		this.#running = true;
		await this.ask();
		if (this.#running)
			this.#timer = setTimeout(() => this.#run(), this.calm ? CALM_MS : TROUBLED_MS);
	}

	// The answer was written between sent and arrived: half of that is the error.
	#sample(now, sent, arrived) {
		const sample = { offset: now - (sent + arrived) / 2, error: (arrived - sent) / 2 };
		const agrees = ({ offset, error }) =>
			Math.abs(offset - sample.offset) <= error + sample.error + 5;
		// Samples that disagree: one of the clocks was set meanwhile.
		if (!this.#samples.every(agrees))
			this.#samples = [];
		this.#samples = [...this.#samples, sample].slice(-SAMPLES);
	}
}
