/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A doubly linked ring whose links live inside the things linked, as in the kernel's
 * list.h. A head and an unlinked link both point at themselves.
 */
struct list {
	struct list *prev;
	struct list *next;
};

/* Returns the start of the struct that has `member` at `offset`. */
static inline void *list_container(void *member, size_t offset)
{
	return (char *)member - offset;
}

#define list_entry(link, type, member) \
	((type *)list_container(link, offsetof(type, member)))

#define list_for_each(link, head) \
	for (struct list *link = (head)->next; link != (head); link = link->next)

/* The current link may be removed (and nothing else may). */
#define list_for_each_safe(link, head)                                    \
	for (struct list *link = (head)->next, *link##_next = link->next; \
		link != (head); link = link##_next, link##_next = link->next)

static inline void list_init(struct list *link)
{
	link->prev = link;
	link->next = link;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Takes a link out of its ring; does nothing to one that is in none. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Moves all of `from` to the empty head `to`. */
static inline void list_take(struct list *to, struct list *from)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->prev->next = to;
	to->next->prev = to;
	list_init(from);
}
