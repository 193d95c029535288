/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A circular doubly linked list whose links are members of the linked structs, as in the
 * kernel's list.h. The head of an empty list and a link that is in no list point to
 * themselves.
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

/* Like list_for_each(), but the body may remove the current link, and only that one. */
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

/* Removes a link from its list; does nothing if it is in no list. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Initializes `to` and moves all links of `from` into it; `from` becomes empty. */
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
