/* An intrusive list: the links stand inside the members, so that adding never allocates
 * and removing needs no search. A member is in at most one list per `struct list_link` it
 * holds. */
#ifndef WOSHOU_BASE_LIST_H
#define WOSHOU_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_link {
    struct list_link *next, *previous; /* both null while in no list */
};

struct list {
    struct list_link head; /* circular: the head is in the ring */
};

/* The member of type `type` whose link `field` is at `link`. */
#define list_member(link, type, field) ((type *)((char *)(link)-offsetof(type, field)))

/* Every link from first to last; the body may not remove the current one. */
#define list_for_each(link, list)                                                        \
    for (struct list_link *link = (list)->head.next; link != &(list)->head;              \
         link = link->next)
/* As above, and the body may remove (and free the member of) the current link. */
#define list_for_each_safe(link, list)                                                   \
    for (struct list_link *link = (list)->head.next, *link##_next = link->next;          \
         link != &(list)->head; link = link##_next, link##_next = link->next)

static inline void list_init(struct list *list)
{
    list->head.next = list->head.previous = &list->head;
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_linked(const struct list_link *link)
{
    return link->next != NULL;
}

/* Links `link`, which is in no list, in front of `place`; with `place` the head: at the
 * end. */
static inline void list_insert_before(struct list_link *place, struct list_link *link)
{
    link->next = place;
    link->previous = place->previous;
    place->previous->next = link;
    place->previous = link;
}

static inline void list_append(struct list *list, struct list_link *link)
{
    list_insert_before(&list->head, link);
}

/* Takes it out of its list; one in no list stays so. */
static inline void list_remove(struct list_link *link)
{
    if (!list_linked(link))
        return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = link->previous = NULL;
}

/* The first link, or null. */
static inline struct list_link *list_first(const struct list *list)
{
    return list_empty(list) ? NULL : list->head.next;
}

#endif
