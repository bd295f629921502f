#pragma once
// Vector pictures as text.
