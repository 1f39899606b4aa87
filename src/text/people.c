#include "text/people.h"

#include <stdlib.h>
#include <string.h>

#include "text/desk.h"
#include "text/member.h"
#include "text/saying.h"

void people_init(struct people *people)
{
    memset(people, 0, sizeof *people);
    pthread_mutex_init(&people->lock, NULL);
}

void people_done(struct people *people)
{
    pthread_mutex_destroy(&people->lock);
}

static struct member **place_of(struct people *people, const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return &people->places[(hash ^ hash >> 16) % PEOPLE_PLACES];
}

void people_add(struct people *people, struct member *member)
{
    pthread_mutex_lock(&people->lock);
    struct member **place = place_of(people, member->name, member->name_length);
    member->next_person = *place;
    *place = member;
    pthread_mutex_unlock(&people->lock);
}

void people_remove(struct people *people, struct member *member)
{
    pthread_mutex_lock(&people->lock);
    struct member **place = place_of(people, member->name, member->name_length);
    while (*place && *place != member)
        place = &(*place)->next_person;
    if (*place)
        *place = member->next_person;
    pthread_mutex_unlock(&people->lock);
}

/* Under the lock nobody leaves, so that who is found can be pinned. */
unsigned people_tell(struct people *people, const char *name, size_t name_length,
                     const void *frame, size_t length)
{
    unsigned told = 0;
    pthread_mutex_lock(&people->lock);
    for (struct member *member = *place_of(people, name, name_length); member;
         member = member->next_person) {
        if (member->name_length != name_length ||
            memcmp(member->name, name, name_length) != 0)
            continue;
        struct letter *letter = malloc(sizeof *letter + length);
        if (!letter)
            break;
        letter->member = member;
        letter->length = length;
        memcpy(letter->frame, frame, length);
        atomic_fetch_add(&member->pins, 1);
        desk_post_letter(member->desk, letter);
        told++;
    }
    pthread_mutex_unlock(&people->lock);
    return told;
}
