// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory of which there is none, or which can't be mapped.
#pragma once

#include <gst/gst.h>

struct BrokenAllocator {
    GstAllocator parent;
    gboolean has_memory;
};

struct BrokenAllocatorClass {
    GstAllocatorClass parent_class;
};

G_DEFINE_TYPE(BrokenAllocator, broken_allocator, GST_TYPE_ALLOCATOR)

static GstMemory *broken_allocator_alloc(GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
    if (!reinterpret_cast<BrokenAllocator *>(allocator)->has_memory)
        return nullptr;
    auto *memory = g_new0(GstMemory, 1);
    gst_memory_init(memory, params->flags, allocator, nullptr, size, params->align, 0, size);
    return memory;
}

static void broken_allocator_free(GstAllocator *, GstMemory *memory)
{
    g_free(memory);
}

static void broken_allocator_class_init(BrokenAllocatorClass *klass)
{
    klass->parent_class.alloc = broken_allocator_alloc;
    klass->parent_class.free = broken_allocator_free;
}

static void broken_allocator_init(BrokenAllocator *self)
{
    self->parent.mem_map = [](GstMemory *, gsize, GstMapFlags) -> gpointer { return nullptr; };
}

namespace anime
{

/// Transfer full. Without memory it allocates nothing; with memory, none of it can be mapped.
inline GstAllocator *make_broken_allocator(bool has_memory)
{
    auto *allocator = static_cast<BrokenAllocator *>(g_object_new(broken_allocator_get_type(), nullptr));
    allocator->has_memory = has_memory;
    return GST_ALLOCATOR(gst_object_ref_sink(allocator));
}

} // namespace anime
