// SPDX-License-Identifier: MIT
const element = (id) => document.getElementById(id);
let shown;

function show(camera) {
	element("state").textContent = camera.state + (camera.reason ? `: ${camera.reason}` : "");
	element("release").hidden = camera.state === "released";
	element("start").hidden = !element("release").hidden;
	// A stream that has ended does not come back by itself.
	if (camera.state !== "released" && shown !== camera.opens) {
		element("picture").src = `video_feed?${Date.now()}`;
		element("picture").hidden = false;
		shown = camera.opens;
	}
}

async function poll() {
	try {
		const answer = await fetch("state");
		show((await answer.json()).result.camera);
	} catch {
		element("state").textContent = "no answer";
		shown = undefined;
	}
}

for (const form of document.forms)
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		await fetch(form.action, { method: "POST" });
		shown = undefined;
		poll();
	});
setInterval(poll, 2000);
poll();
