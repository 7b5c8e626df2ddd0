/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_peer - the same work as scan_bench, done with simdjson's DOM
 *
 *	scan_peer line|many FILE PATH...
 *
 * Reads blocks of 1 MiB, cut at a line end, with read(2), as scan_bench does; `line` parses line by line, `many` gives
 * each block to parse_many, which gives up at a bad line.  Prints `seconds records values` as scan_bench does.
 */
#include <simdjson.h>

#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace simdjson;

static size_t records, values;
static std::vector<std::vector<std::string>> paths;

static void
look_up(dom::element doc)
{
	records++;
	for (auto &path : paths) {
		dom::element e = doc;
		bool there = true;

		for (auto &name : path)
			if (e.at_key(name).get(e) != SUCCESS) {
				there = false;
				break;
			}
		values += there;
	}
}

int
main(int argc, char **argv)
{
	const size_t block = 1 << 20;

	if (argc < 3)
		return 2;
	for (int i = 3; i < argc; i++) {
		std::vector<std::string> names;
		std::string name;

		for (const char *p = argv[i];; p++)
			if (*p == '.' || *p == '\0') {
				names.push_back(name);
				name.clear();
				if (*p == '\0')
					break;
			} else
				name += *p;
		paths.push_back(names);
	}
	/* PEER_KERNEL=icelake|haswell|westmere: not the best that the machine can, which is the default. */
	if (const char *name = getenv("PEER_KERNEL")) {
		auto kernel = get_available_implementations()[name];
		if (kernel == nullptr || !kernel->supported_by_runtime_system())
			return 2;
		get_active_implementation() = kernel;
	}
	bool many = strcmp(argv[1], "many") == 0;
	int fd = open(argv[2], O_RDONLY);
	if (fd == -1)
		return 4;
	std::vector<char> buf(2 * block + SIMDJSON_PADDING);
	dom::parser parser;
	size_t n = 0;
	auto t0 = clock();
	for (ssize_t got; (got = read(fd, buf.data() + n, block)) > 0;) {
		n += size_t(got);
		char *end = static_cast<char *>(memrchr(buf.data(), '\n', n));
		if (end == nullptr)
			return 3;
		end++;
		if (many) {
			dom::document_stream docs;
			if (parser.parse_many(buf.data(), size_t(end - buf.data()), 2 * block).get(docs) != SUCCESS)
				return 3;
			for (auto doc : docs) {
				dom::element e;
				if (doc.get(e) != SUCCESS)
					return 3;
				look_up(e);
			}
		} else
			for (char *p = buf.data(); p < end;) {
				char *lf = static_cast<char *>(memchr(p, '\n', size_t(end - p)));
				dom::element e;
				if (parser.parse(p, size_t(lf - p), false).get(e) == SUCCESS)
					look_up(e);
				p = lf + 1;
			}
		n -= size_t(end - buf.data());
		memmove(buf.data(), end, n);
	}
	double t = double(clock() - t0) / CLOCKS_PER_SEC;
	printf("%.6f %zu %zu\n", t, records, values);
	return 0;
}
