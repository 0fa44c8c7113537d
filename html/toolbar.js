// SPDX-License-Identifier: MIT
// toolbar - the buttons under the picture, and their keys.
const $ = (id) => document.getElementById(id);
const BARS = "M8.5 5v14M15.5 5v14";
const PLAY = "M7 5l12 7-12 7z";

function save(blob, seconds) {
	const link = document.createElement("a");
	const time = new Date(1000 * seconds).toISOString().replaceAll(":", "-");
	link.href = URL.createObjectURL(blob);
	link.download = `webcam-${time}.jpg`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// What has the focus may want the key.
function isTaken({ key, target, ctrlKey, altKey, metaKey }) {
	const takers = key === " " ? "input,select,button,a,summary,dialog" : "input,select,dialog";
	return ctrlKey || altKey || metaKey || target.closest(takers);
}

export class Toolbar {
	#player;
	#monitor;
	#released = false;
	#mayStart = true;
	#others = 0; // who watch besides us

	constructor(player, monitor) {
		this.#player = player;
		this.#monitor = monitor;
		$("snapshot").onclick = () => this.#snapshot();
		$("pause").onclick = () => this.#pause();
		$("power").onclick = () => this.#power();
		$("stage").ondblclick = $("fullscreen").onclick = () => this.#fullscreen();
		$("fullscreen").hidden = !document.fullscreenEnabled;
		$("confirm").onclose = () => $("confirm").returnValue === "yes" && this.#post("shutdown");
		document.addEventListener("keydown", (event) => this.#key(event));
	}

	show({ status: { name }, result, mayStart }) {
		const paused = name === "paused";
		const mine = name === "live" || name === "waiting" ? 1 : 0;
		this.#released = name === "released" || result?.camera.state === "released";
		this.#mayStart = mayStart;
		this.#others = Math.max(0, (result?.stream.clients ?? 0) - mine);
		$("snapshot").disabled = !this.#player.shown && result?.camera.state !== "live";
		$("pause").querySelector("path").setAttribute("d", paused ? PLAY : BARS);
		$("pause").lastElementChild.textContent = paused ? "Resume" : "Pause";
		$("pause").disabled = this.#released && !paused;
		$("power").lastElementChild.textContent = this.#released ? "Start camera" : "Release camera";
		$("power").classList.toggle("primary", this.#released);
		$("power").hidden = this.#released && !mayStart;
	}

	#key(event) {
		const action = { f: "fullscreen", " ": "pause" }[event.key];
		if (!action || event.repeat || isTaken(event))
			return;
		event.preventDefault();
		$(action).click();
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
			$("stage").requestFullscreen().catch(() => {});
	}

	// The picture on the page; if it cannot be had, a new one.
	async #snapshot() {
		const { shown } = this.#player;
		const answer = shown ? null : await this.#ask("snapshot");
		if (shown)
			save(shown.blob, shown.timestamp);
		else if (answer)
			save(await answer.blob(), Date.now() / 1000);
	}

	#power() {
		if (this.#released)
			this.#post("start");
		else if (this.#others || !this.#mayStart)
			this.#confirm();
		else
			this.#post("shutdown");
	}

	#confirm() {
		const others = this.#others === 1 ? "1 other viewer loses" : `${this.#others} other viewers lose`;
		const loss = this.#others ? `${others} the picture too. ` : "";
		const cure = this.#mayStart ? "" : " You cannot start it from here.";
		$("consequence").textContent = `${loss}The camera stays off until somebody starts it.${cure}`;
		$("confirm").returnValue = "";
		$("confirm").showModal();
	}

	async #post(route) {
		$("power").disabled = true;
		await this.#ask(route, { method: "POST" });
		$("power").disabled = false;
		this.#monitor.ask();
	}

	// Null if it was refused; the notice says why then.
	async #ask(route, options) {
		const answer = await fetch(route, options).catch(() => null);
		let text = answer ? `The server answers ${answer.status}.` : "The server does not answer.";
		if (answer?.headers.has("X-Camera-State") && !answer.ok)
			text = await answer.text();
		$("notice").textContent = answer?.ok ? "" : text;
		return answer?.ok ? answer : null;
	}
}
