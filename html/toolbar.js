// SPDX-License-Identifier: MIT
// toolbar - the buttons under the picture, and their keys.
const $ = (id) => document.getElementById(id);

function save(blob, moment) {
	const link = document.createElement("a");
	const time = new Date(moment).toISOString().slice(0, 19).replaceAll(":", "-");
	link.href = URL.createObjectURL(blob);
	link.download = `webcam-${time}Z.jpg`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Space and f belong to whatever has the focus and uses them.
function isTyping({ target, ctrlKey, altKey, metaKey }, key) {
	const uses = key === " " ? "input,select,button,a,summary,dialog *" : "input:not([type=range]),select,dialog *";
	return ctrlKey || altKey || metaKey || target.closest?.(uses);
}

export class Toolbar {
	#player;
	#monitor;
	#released = false;
	#mayStart = true;
	#others = 0;

	constructor(player, monitor) {
		this.#player = player;
		this.#monitor = monitor;
		$("snapshot").onclick = () => this.#snapshot();
		$("pause").onclick = () => this.#pause();
		$("power").onclick = () => this.#power();
		$("fullscreen").onclick = () => this.#fullscreen();
		$("fullscreen").hidden = !document.fullscreenEnabled;
		$("stage").ondblclick = () => this.#fullscreen();
		$("confirm").onclose = () => $("confirm").returnValue === "yes" && this.#post("shutdown");
		document.addEventListener("keydown", (event) => this.#key(event));
	}

	// Called whenever something of it may have changed.
	show({ status, result, mayStart }) {
		const { name } = status;
		this.#released = name === "released" || result?.camera.state === "released";
		this.#mayStart = mayStart;
		const mine = name === "live" || name === "waiting" ? 1 : 0;
		this.#others = Math.max(0, (result?.stream.clients ?? 0) - mine);
		$("snapshot").disabled = !this.#player.shown && result?.camera.state !== "live";
		$("pause").disabled = this.#released && name !== "paused";
		this.#showPause(name === "paused");
		$("power").lastElementChild.textContent = this.#released ? "Start camera" : "Release camera";
		$("power").classList.toggle("primary", this.#released);
		$("power").hidden = this.#released && !mayStart;
	}

	#showPause(paused) {
		const [bars, triangle, label] = $("pause").children;
		bars.toggleAttribute("hidden", paused);
		triangle.toggleAttribute("hidden", !paused);
		label.textContent = paused ? "Resume" : "Pause";
	}

	#key(event) {
		if (event.repeat || isTyping(event, event.key))
			return;
		if (event.key === "f" && document.fullscreenEnabled)
			this.#fullscreen();
		else if (event.key === " " && !$("pause").disabled)
			this.#pause();
		else
			return;
		event.preventDefault();
	}

	#pause() {
		if (this.#player.status.name === "paused")
			this.#player.resume("paused");
		else
			this.#player.hold("paused");
	}

	#fullscreen() {
		if (document.fullscreenElement)
			document.exitFullscreen();
		else
			$("stage").requestFullscreen?.().catch(() => {});
	}

	// The picture that is on the page; without one to hand, a new one.
	async #snapshot() {
		const { shown } = this.#player;
		if (shown) {
			save(shown.blob, 1000 * shown.timestamp);
			return;
		}
		const answer = await this.#ask("snapshot");
		if (answer)
			save(await answer.blob(), Date.now());
	}

	#power() {
		if (this.#released)
			this.#post("start");
		else if (this.#others > 0 || !this.#mayStart)
			this.#confirm();
		else
			this.#post("shutdown");
	}

	#confirm() {
		const watch = this.#others === 1 ? "1 other viewer is" : `${this.#others} other viewers are`;
		const loss = this.#others ? `${watch} watching and will lose the picture too. ` : "";
		$("consequence").textContent = `${loss}The camera stays off until somebody starts it again${
			this.#mayStart ? "." : ", which you may not do from here."
		}`;
		$("confirm").returnValue = "no";
		$("confirm").showModal();
	}

	async #post(route) {
		$("power").disabled = true;
		await this.#ask(route, { method: "POST" });
		$("power").disabled = false;
		await this.#monitor.ask();
	}

	// Null if it was refused; the notice says why then.
	async #ask(route, options) {
		const answer = await fetch(route, options).catch(() => null);
		const text = answer && !answer.ok ? (await answer.text()).trim() : "";
		$("notice").hidden = Boolean(answer?.ok);
		$("notice").textContent = !answer
			? "The server does not answer."
			: answer.headers.has("X-Camera-State") ? text : `The server refuses this (${answer.status}).`;
		return answer?.ok ? answer : null;
	}
}
