/* Who is there, by name, over all desks: for messages to one person. Private to text/. */
#ifndef WOSHOU_TEXT_PEOPLE_H
#define WOSHOU_TEXT_PEOPLE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct member;

enum { PEOPLE_PLACES = 1 << 12 };

struct people {
    pthread_mutex_t lock;
    struct member *places[PEOPLE_PLACES]; /* linked by next_person */
};

void people_init(struct people *people);
void people_done(struct people *people);
void people_add(struct people *people, struct member *member);
void people_remove(struct people *people, struct member *member);
/* Posts a DIRECT frame to everyone of that name; to how many. */
unsigned people_tell(struct people *people, const char *name, size_t name_length,
                     const void *frame, size_t length);

#endif
