// SPDX-License-Identifier: MIT
// stream - reads the camera's stream by fetch, part by part.
import { MultipartParser, boundaryOf } from "./multipart.js";

// Why there is no stream: message is one line; camera is X-Camera-State, "" if it
// was not the worker that answered; retryAfter in ms.
export class StreamError extends Error {
	constructor(message, camera = "", retryAfter = 0) {
		super(message);
		this.camera = camera;
		this.retryAfter = retryAfter;
	}
}

async function refusal(answer) {
	const camera = answer.headers.get("X-Camera-State") ?? "";
	const retryAfter = 1000 * (Number(answer.headers.get("Retry-After")) || 0);
	// A proxy's error page is HTML, and no help to anybody.
	const text = camera ? (await answer.text()).trim().slice(0, 300) : "";
	return new StreamError(text || `the server answers ${answer.status}`, camera, retryAfter);
}

async function open(url, signal) {
	const answer = await fetch(url, { signal, cache: "no-store" }).catch(() => {
		throw new StreamError("the server does not answer");
	});
	if (!answer.ok)
		throw await refusal(answer);
	return answer;
}

// Reads url until signal aborts it; always ends by throwing a StreamError.
// onopen() when the headers are there, onbytes(count) for all that comes,
// onpart as the parser's.
export async function readStream(url, { signal, onopen, onbytes, onpart }) {
	const answer = await open(url, signal);
	const boundary = boundaryOf(answer.headers.get("Content-Type"));
	if (!boundary)
		throw new StreamError("the server sends no stream");
	onopen();
	const parser = new MultipartParser(boundary, onpart);
	const reader = answer.body.getReader();
	while (!parser.ended) {
		const { done, value } = await reader.read().catch(() => ({ done: true }));
		if (done)
			throw new StreamError("the connection was lost");
		onbytes(value.length);
		try {
			parser.push(value);
		} catch (error) {
			throw new StreamError(error.message);
		}
	}
	throw new StreamError("the stream was ended");
}
