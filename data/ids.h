#pragma once
// Strong integers: a Position is not a Slot is not a Step.
//
// Position  place of a token in the text, from 0, never reused
// Slot      place of a token in a lane's cache, in time order (slot order = position order)
// Step      index of the query token that is being processed; one step appends one token
// Layer     transformer block, from 0
// Head      query head within a layer
// KvHead    key/value head within a layer; Head h belongs to KvHead h / (heads / kv_heads)
// Lane      unit that owns a cache within a layer: a KvHead, unless a policy shares otherwise

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace dendrokv {

template <class Tag>
struct Id {
  uint32_t value = 0;

  constexpr Id() = default;
  template <class Integer>
  constexpr explicit Id(Integer number) : value(static_cast<uint32_t>(number)) {}

  constexpr size_t index() const { return value; }
  constexpr Id next() const { return Id(value + 1); }
  constexpr auto operator<=>(const Id&) const = default;
};

using Position = Id<struct PositionTag>;
using Slot = Id<struct SlotTag>;
using Step = Id<struct StepTag>;
using Layer = Id<struct LayerTag>;
using Head = Id<struct HeadTag>;
using KvHead = Id<struct KvHeadTag>;
using Lane = Id<struct LaneTag>;

}  // namespace dendrokv

template <class Tag>
struct std::hash<dendrokv::Id<Tag>> {
  size_t operator()(dendrokv::Id<Tag> id) const noexcept { return id.value; }
};
