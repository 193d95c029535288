/* SPDX-License-Identifier: MIT */
#include "json/pretty_print.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "json/scan.h"
#include "json/string.h"

/*
 * Validates and prints a text in one pass. The input and output pointers are passed by
 * value, so that they stay in registers. pretty_room() ensures that at least ROOM bytes
 * can be written; between two calls of it we write less than that, including stores of
 * whole SSE2 blocks.
 */
struct cursor {
	const char *in; /* NULL after a failure */
	char *out;
};

enum { ROOM = 64, INDENT = 2 };

/* State of the search for members in the container at one depth. */
struct level {
	unsigned parent;   /* rule whose members are the keys of an object */
	unsigned rule;     /* rule of the value that is being printed; 0: none */
	const char *value; /* first byte of that value */
};

struct printer {
	const char *text;
	const char *end;
	char *limit;     /* the last position that has ROOM bytes after it */
	struct buf *out; /* NULL: validate only */
	char *scratch;   /* output buffer of a validation, overwritten repeatedly */
	unsigned indent; /* spaces per level */
	unsigned depth;  /* number of containers that are open */
	const struct json_find *find; /* NULL: nothing */
	unsigned watch;       /* depth up to which keys are compared with the rules */
	unsigned count_depth; /* depth of the array whose elements are counted */
	size_t elements;
	struct level levels[JSON_FIND_DEPTH_MAX + 1]; /* by depth, valid up to `watch` */
	int err;
	struct json_error error;
	char closers[JSON_DEPTH_MAX + 1]; /* by depth: the bracket that closes it */
};

static __attribute__((cold)) struct cursor pretty_fail(
	struct printer *pr, const char *at, const char *reason)
{
	pr->err = -EBADMSG;
	pr->error.offset = (size_t)(at - pr->text);
	pr->error.reason = at < pr->end ? reason : "the text ends too early";
	return (struct cursor){NULL, NULL};
}

/* Makes room for `extra` + ROOM bytes; the slow path of pretty_room(). */
static __attribute__((noinline)) struct cursor pretty_grow(
	struct printer *pr, struct cursor c, size_t extra)
{
	struct buf *out = pr->out;

	if (!out) {
		c.out = pr->scratch;
		return c;
	}

	/* Stores of whole blocks may exceed the maximum; the text itself must not. */
	size_t max = out->max;

	out->len = (size_t)(c.out - out->data);
	pr->err = out->len > max ? -EMSGSIZE : 0;
	if (!pr->err) {
		out->max = max > SIZE_MAX - ROOM ? SIZE_MAX : max + ROOM;
		pr->err = buf_reserve(out, extra + ROOM);
		out->max = max;
	}
	if (pr->err)
		return (struct cursor){NULL, NULL};
	pr->limit = out->data + out->cap - ROOM;
	c.out = out->data + out->len;
	return c;
}

/* Makes sure that `extra` bytes and ROOM more can be written at the output pointer. */
static inline struct cursor pretty_room(struct printer *pr, struct cursor c, size_t extra)
{
	if (pr->limit - c.out >= (ptrdiff_t)extra)
		return c;
	return pretty_grow(pr, c, extra);
}

static inline struct cursor pretty_print_newline(struct printer *pr, struct cursor c)
{
	size_t spaces = (size_t)pr->depth * pr->indent;

	c = pretty_room(pr, c, 1 + spaces);
	if (!c.in)
		return c;
	*c.out++ = '\n';
	memset(c.out, ' ', 32);
	if (spaces > 32)
		memset(c.out + 32, ' ', spaces - 32);
	c.out += spaces;
	return c;
}

/* Copies at most SCAN_BLOCK bytes, up to the first byte that is not plain. */
static inline struct cursor pretty_copy_plain(struct printer *pr, struct cursor c)
{
	size_t left = (size_t)(pr->end - c.in);
	size_t plain;

	if (left >= SCAN_BLOCK) {
		plain = scan_copy_plain(c.in, c.out);
	} else {
		char tail[SCAN_BLOCK];

		memset(tail, '"', sizeof(tail));
		memcpy(tail, c.in, left);
		plain = scan_copy_plain(tail, c.out);
	}
	c.in += plain;
	c.out += plain;
	return c;
}

static struct cursor pretty_print_special(struct printer *pr, struct cursor c)
{
	const char *bad, *reason;
	size_t len;
	const char *next = json_special(c.in, pr->end, c.out, &len, &bad, &reason);

	if (!next)
		return pretty_fail(pr, bad, reason);
	c.in = next;
	c.out += len;
	return c;
}

/* Prints a string; the cursor is at its first quote. */
static inline struct cursor pretty_print_string(struct printer *pr, struct cursor c)
{
	*c.out++ = *c.in++;
	for (;;) {
		const char *block = c.in;

		c = pretty_copy_plain(pr, c);
		if (c.in == pr->end)
			return pretty_fail(pr, c.in, NULL);
		if (*c.in == '"')
			break;
		if (c.in - block < SCAN_BLOCK) {
			c = pretty_print_special(pr, c);
			if (!c.in)
				return c;
		}
		c = pretty_room(pr, c, 0);
		if (!c.in)
			return c;
	}
	*c.out++ = *c.in++;
	return pretty_room(pr, c, 0);
}

static inline struct cursor pretty_print_number(struct printer *pr, struct cursor c)
{
	const char *bad;
	size_t len = scan_number(c.in, pr->end, &bad);

	if (!len)
		return pretty_fail(pr, bad, "expected a digit");
	if (len <= SCAN_BLOCK && pr->end - c.in >= SCAN_BLOCK) {
		memcpy(c.out, c.in, SCAN_BLOCK);
	} else {
		size_t at = 0;

		/* Copy in blocks, because the scratch buffer of a validation is small. */
		for (; len - at > SCAN_BLOCK; at += SCAN_BLOCK) {
			memcpy(c.out, c.in + at, SCAN_BLOCK);
			c.out += SCAN_BLOCK;
			c = pretty_room(pr, c, 0);
			if (!c.in)
				return c;
		}
		c.in += at;
		len -= at;
		memcpy(c.out, c.in, len);
	}
	c.in += len;
	c.out += len;
	return pretty_room(pr, c, 0);
}

static struct cursor pretty_print_literal(struct printer *pr, struct cursor c)
{
	static const char *const names[] = {"null", "true", "false"};
	size_t left = (size_t)(pr->end - c.in);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i]);

		if (left < len || memcmp(c.in, names[i], len) != 0)
			continue;
		memcpy(c.out, names[i], len);
		c.in += len;
		c.out += len;
		return pretty_room(pr, c, 0);
	}
	return pretty_fail(pr, c.in, "expected a value");
}

static struct cursor pretty_print_scalar(struct printer *pr, struct cursor c)
{
	if (c.in == pr->end)
		return pretty_fail(pr, c.in, NULL);
	if (*c.in == '"')
		return pretty_print_string(pr, c);
	if (*c.in == '-' || (*c.in >= '0' && *c.in <= '9'))
		return pretty_print_number(pr, c);
	return pretty_print_literal(pr, c);
}

/*
 * Compares a key that was just read with the rules. `value` is the first byte of the
 * member's value.
 */
static void pretty_watch_key(
	struct printer *pr, const char *key, size_t len, const char *value)
{
	struct level *level = &pr->levels[pr->depth];
	const struct json_rule *rules = pr->find->rules;
	unsigned rule = rules[level->parent].first;
	unsigned end = rule + rules[level->parent].count;

	while (rule < end &&
		(rules[rule].key_len != len || memcmp(rules[rule].key, key, len) != 0))
		rule++;
	if (rule == end || value == pr->end)
		return;
	level->rule = rule;
	level->value = value;
	pr->count_depth = pr->depth + 1;
	pr->elements = 0;

	bool each = rules[rule].each;
	/* The objects in an array are a level below it. */
	unsigned below = pr->depth + 1 + each;

	if (!rules[rule].count || *value != (each ? '[' : '{') ||
		below > JSON_FIND_DEPTH_MAX)
		return;
	level[1].rule = 0;
	pr->levels[below] = (struct level){.parent = rule};
	pr->watch = below;
}

/* Called when a value ends at a depth up to pr->watch. */
static void pretty_watch_value_end(struct printer *pr, const char *end)
{
	struct level *level = &pr->levels[pr->depth];
	unsigned rule = level->rule;

	if (!rule)
		return;

	bool counted = *level->value == '[' && !pr->find->rules[rule].count;

	level->rule = 0;
	pr->watch = pr->depth;
	pr->find->on_value(pr->find->ctx, rule, (struct json_slice){level->value, end},
		counted ? pr->elements : 0);
}

/* Prints a member's key and colon and moves to the beginning of its value. */
static inline struct cursor pretty_print_key(struct printer *pr, struct cursor c)
{
	c.in = scan_space(c.in, pr->end);

	const char *key = c.in + 1;

	if (c.in == pr->end || *c.in != '"')
		return pretty_fail(pr, c.in, "expected a key in quotes");
	c = pretty_print_string(pr, c);
	if (!c.in)
		return c;

	size_t len = (size_t)(c.in - 1 - key);

	c.in = scan_space(c.in, pr->end);
	if (c.in == pr->end || *c.in != ':')
		return pretty_fail(pr, c.in, "expected ':'");
	*c.out++ = ':';
	*c.out++ = ' ';
	c.in = scan_space(c.in + 1, pr->end);
	if (pr->depth <= pr->watch)
		pretty_watch_key(pr, key, len, c.in);
	return c;
}

/* Starts the next element of the innermost container; in an object, prints its key. */
static inline struct cursor pretty_print_next(struct printer *pr, struct cursor c)
{
	c = pretty_print_newline(pr, c);
	if (c.in && pr->closers[pr->depth] == '}')
		return pretty_print_key(pr, c);
	if (pr->depth == pr->count_depth)
		pr->elements++;
	return c;
}

/*
 * Prints the beginning of a container up to its first value; the cursor is at '{' or '['.
 * An empty container is printed completely: then pr->depth does not change.
 */
static inline struct cursor pretty_print_open(struct printer *pr, struct cursor c)
{
	char closer = *c.in == '{' ? '}' : ']';

	if (pr->depth == JSON_DEPTH_MAX)
		return pretty_fail(pr, c.in, "nested too deeply");
	*c.out++ = *c.in++;
	c.in = scan_space(c.in, pr->end);
	if (c.in < pr->end && *c.in == closer) {
		*c.out++ = *c.in++;
		return pretty_room(pr, c, 0);
	}
	pr->closers[++pr->depth] = closer;
	return pretty_print_next(pr, c);
}

/*
 * Called after a value: prints the ends of all containers that end here and moves to the
 * next value, if there is one.
 */
static inline struct cursor pretty_print_after(struct printer *pr, struct cursor c)
{
	while (pr->depth) {
		char closer = pr->closers[pr->depth];

		if (pr->depth <= pr->watch)
			pretty_watch_value_end(pr, c.in);
		c.in = scan_space(c.in, pr->end);
		if (c.in < pr->end && *c.in == ',') {
			*c.out++ = *c.in++;
			return pretty_print_next(pr, c);
		}
		if (c.in == pr->end || *c.in != closer)
			return pretty_fail(pr, c.in,
				closer == '}' ? "expected ',' or '}'"
					      : "expected ',' or ']'");
		pr->depth--;
		c = pretty_print_newline(pr, c);
		if (!c.in)
			return c;
		*c.out++ = *c.in++;
	}
	return c;
}

static struct cursor pretty_print_text(struct printer *pr, struct cursor c)
{
	if (pr->end - c.in >= 3 && !memcmp(c.in, "\xef\xbb\xbf", 3))
		return pretty_fail(pr, c.in, "a byte order mark");
	do {
		unsigned depth = pr->depth;

		c.in = scan_space(c.in, pr->end);
		if (c.in < pr->end && (*c.in == '{' || *c.in == '['))
			c = pretty_print_open(pr, c);
		else
			c = pretty_print_scalar(pr, c);
		if (c.in && pr->depth == depth)
			c = pretty_print_after(pr, c);
	} while (c.in && pr->depth);
	if (!c.in)
		return c;
	c.in = scan_space(c.in, pr->end);
	if (c.in < pr->end)
		return pretty_fail(pr, c.in, "data after the value");
	*c.out++ = '\n';
	return c;
}

/*
 * Prints the whole text to the end of pr->out. Returns 0 or a negative errno; on failure
 * the length of pr->out is unchanged.
 */
static int pretty_print_out(struct printer *pr, struct cursor c)
{
	struct buf *out = pr->out;
	size_t old_len = out->len;

	/* The output is seldom shorter than the input. */
	size_t hint = (size_t)(pr->end - pr->text);

	c = pretty_grow(pr, c, hint < out->max - old_len ? hint : 0);
	if (c.in)
		c = pretty_print_text(pr, c);
	out->len = old_len;
	if (c.in && (size_t)(c.out - out->data) <= out->max)
		out->len = (size_t)(c.out - out->data);
	else if (c.in)
		pr->err = -EMSGSIZE;
	out->data[out->len] = '\0';
	return pr->err;
}

/* Makes the printer find members of the object that the text is. */
static void pretty_watch_begin(struct printer *pr, const struct json_find *find)
{
	pr->find = find;
	pr->watch = find ? 1 : 0;
	pr->levels[1] = (struct level){0};
}

int json_print(const char *text, size_t len, struct buf *out,
	const struct json_find *find, struct json_error *ret_error)
{
	struct printer pr = {
		.text = text, .end = text + len, .out = out, .indent = INDENT};
	int err = buf_reserve(out, 0);

	if (err)
		return err;
	pretty_watch_begin(&pr, find);
	err = pretty_print_out(&pr, (struct cursor){text, out->data + out->len});
	if (err == -EBADMSG)
		*ret_error = pr.error;
	return err;
}

int json_find(const char *text, size_t len, const struct json_find *find,
	struct json_error *ret_error)
{
	char scratch[4 * ROOM];
	struct printer pr = {.text = text,
		.end = text + len,
		.scratch = scratch,
		.limit = scratch + sizeof(scratch) - ROOM};

	pretty_watch_begin(&pr, find);
	pretty_print_text(&pr, (struct cursor){text, scratch});
	if (pr.err)
		*ret_error = pr.error;
	return pr.err;
}

int json_check(const char *text, size_t len, struct json_error *ret_error)
{
	return json_find(text, len, NULL, ret_error);
}
