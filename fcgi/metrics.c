/* SPDX-License-Identifier: MIT */
#include "fcgi/metrics.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "fcgi/viewers.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const int metrics_codes[METRICS_CODES] = {200, 204, 400, 403, 404, 405, 409, 413, 415, 503};

void metrics_count(struct metrics_requests *requests, size_t route, int code)
{
	for (size_t i = 0; i < METRICS_CODES; i++)
		requests->counts[route][i] += metrics_codes[i] == code;
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void number(FILE *out, const char *name, const char *type, const char *help, double value)
{
	head(out, name, type, help);
	fprintf(out, "%s %.16g\n", name, value);
}

static void write_camera(FILE *out, const struct camera_status *status)
{
	head(out, "webcam_camera_state", "gauge", "1 for the state the camera is in, else 0.");
	for (int i = 0; i < CAMERA_STATES; i++)
		fprintf(out, "webcam_camera_state{state=\"%s\"} %d\n",
			camera_state_name((enum camera_state)i),
			status->state == (enum camera_state)i);
	head(out, "webcam_camera_errors_total", "counter",
		"Times the picture was lost, by reason.");
	for (int i = CAMERA_NO_DEVICE; i < CAMERA_STATES; i++)
		fprintf(out, "webcam_camera_errors_total{reason=\"%s\"} %" PRIu64 "\n",
			camera_state_name((enum camera_state)i), status->errors[i]);
	number(out, "webcam_camera_opens_total", "counter", "Times a camera was opened.",
		(double)status->opens);
}

static void write_pictures(FILE *out, const struct camera_status *status)
{
	int64_t now = clock_now_ns();
	double newest = 0;

	number(out, "webcam_frames_captured_total", "counter", "Pictures the camera gave.",
		(double)status->captured);
	head(out, "webcam_frames_dropped_total", "counter", "Pictures not passed on, by reason.");
	fprintf(out,
		"webcam_frames_dropped_total{reason=\"flagged\"} %" PRIu64 "\n"
		"webcam_frames_dropped_total{reason=\"truncated\"} %" PRIu64 "\n"
		"webcam_frames_dropped_total{reason=\"not_jpeg\"} %" PRIu64 "\n",
		status->drops.flagged, status->drops.truncated, status->drops.not_jpeg);
	if (status->last_frame_ns)
		newest = (double)(clock_wall_ns() - (now - status->last_frame_ns)) /
			 (double)NS_PER_S;
	number(out, "webcam_last_frame_timestamp_seconds", "gauge",
		"When the newest picture was published, Unix time; 0: never.", newest);
	number(out, "webcam_capture_fps", "gauge", "Pictures a second from the camera.",
		status->showing ? status->captured_fps : 0);
	number(out, "webcam_encode_seconds_total", "counter", "Time spent encoding JPEG.",
		(double)status->encode_total_ns / (double)NS_PER_S);
}

static void write_viewers(FILE *out, const struct viewers *viewers)
{
	static const char *const ends[VIEWER_ENDS] = {"client", "timeout", "limit", "shutdown"};
	const struct viewers_totals *totals = viewers_totals(viewers);

	number(out, "webcam_frames_sent_total", "counter", "Pictures sent to viewers.",
		(double)totals->frames);
	number(out, "webcam_placeholders_sent_total", "counter",
		"Placeholders sent to viewers, repeats included.", (double)totals->placeholders);
	number(out, "webcam_frames_skipped_total", "counter",
		"Pictures that viewers missed because they could not keep up.",
		(double)totals->skipped);
	number(out, "webcam_sent_bytes_total", "counter",
		"Bytes of streams handed to the web server.", (double)totals->bytes);
	number(out, "webcam_viewers", "gauge", "Viewers of the stream now.",
		(double)viewers_count(viewers));
	head(out, "webcam_viewers_ended_total", "counter", "Streams that ended, by reason.");
	for (int i = 0; i < VIEWER_ENDS; i++)
		fprintf(out, "webcam_viewers_ended_total{reason=\"%s\"} %" PRIu64 "\n", ends[i],
			totals->ended[i]);
	number(out, "webcam_viewer_lag_max_seconds", "gauge",
		"Greatest delay from capture to the last byte sent, of the viewers now.",
		viewers_max_lag(viewers));
}

static void write_requests(FILE *out, const struct metrics_requests *requests)
{
	head(out, "webcam_requests_total", "counter", "Requests answered, by route and status.");
	for (size_t route = 0; route < requests->routes; route++) {
		for (size_t code = 0; code < METRICS_CODES; code++)
			fprintf(out,
				"webcam_requests_total{route=\"%s\",code=\"%d\"} %" PRIu64 "\n",
				requests->names[route], metrics_codes[code],
				requests->counts[route][code]);
	}
}

static unsigned count_open_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned count = 0;

	while (fds && readdir(fds))
		count++;
	if (fds)
		closedir(fds);
	return count > 3 ? count - 3 : 0; /* ".", ".." and the one of opendir() */
}

/* The fields of /proc/self/stat behind the program's name; proc(5) counts them from 1. */
static void read_self_stat(long long *start_ticks, long long *resident_pages)
{
	char line[1024];
	FILE *stat = fopen("/proc/self/stat", "re");
	const char *rest = NULL;
	size_t n;

	*start_ticks = *resident_pages = 0;
	if (!stat)
		return;
	n = fread(line, 1, sizeof(line) - 1, stat);
	line[n] = '\0';
	fclose(stat);
	rest = strrchr(line, ')');
	if (rest)
		sscanf(rest + 2,
			"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			"%*d "
			"%lld %*u %lld",
			start_ticks, resident_pages);
}

static double boot_time(void)
{
	struct timespec boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (double)clock_wall_ns() / (double)NS_PER_S -
	       ((double)boot.tv_sec + (double)boot.tv_nsec / (double)NS_PER_S);
}

static void write_process(FILE *out)
{
	struct rusage usage;
	struct rlimit limit;
	long long start_ticks, resident_pages;

	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &limit);
	read_self_stat(&start_ticks, &resident_pages);
	number(out, "process_cpu_seconds_total", "counter", "User and system CPU time.",
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	number(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
		(double)(resident_pages * sysconf(_SC_PAGESIZE)));
	number(out, "process_open_fds", "gauge", "Open descriptors.", count_open_fds());
	number(out, "process_max_fds", "gauge", "Limit of open descriptors.",
		(double)limit.rlim_cur);
	number(out, "process_start_time_seconds", "gauge", "When the worker started, Unix time.",
		boot_time() + (double)start_ticks / (double)sysconf(_SC_CLK_TCK));
}

char *metrics_text(const struct camera_status *status, const struct viewers *viewers,
	const struct metrics_requests *requests, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	number(out, "webcam_up", "gauge", "1 while a real picture is fresh.",
		camera_fresh(status, clock_now_ns()));
	head(out, "webcam_build_info", "gauge", "Always 1; the version is the label.");
	fprintf(out, "webcam_build_info{version=\"%s\"} 1\n", WEBCAM_VERSION);
	write_camera(out, status);
	write_pictures(out, status);
	write_viewers(out, viewers);
	write_requests(out, requests);
	write_process(out);
	return fclose(out) == 0 ? text : NULL;
}
