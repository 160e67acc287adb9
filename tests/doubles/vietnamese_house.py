"""A Vietnamese house as it is configured: its people, hotlines, hours, dispositions and campaigns, and the street it calls.

Never does anything: what people do in it is told elsewhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dialerd.model.instants import Instant
from dialerd.model.policies import Floor
from sim.scenario import Scenario, check_scenario, floor_of

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SALE, CARE = "khuyen-mai", "cham-soc"
"""Advertising, made by command; and the care of customers, kept in the configuration."""
OWNER, DIRECTOR, ADMIN, SUPERVISOR = "lan", "giam-doc", "tuan", "hoa"
AGENTS = 24
REJECTED = "Gọi 9 lần là quá nhiều, và chưa có hotline"
HOURS = {"time_zone": "Asia/Ho_Chi_Minh", "week": {"mon": ["08:00-11:30", "13:30-17:30"]}}
NOT_AGAIN_DAYS = 30
GONE = ("abandoned", "hung_up")

DISPOSITIONS: dict[str, dict[str, Any]] = {
    "mua": {"title": "Đồng ý mua", "success": True},
    "khong-mua": {"title": "Không quan tâm", "closes": True},
    "hen": {"title": "Hẹn gọi lại", "recontact": True, "recall_within_days": 7},
    "hen-rieng": {"title": "Hẹn gọi lại, chính tôi", "recontact": True, "private": True},
    "dang-ban": {"title": "Đang bận", "recontact": True, "recall_after_min": 60},
    "dung-goi": {"title": "Đừng gọi nữa", "blacklist": "own"},
    "khong-chao": {"title": "Đừng chào bán", "blacklist": "campaign", "blacklist_channel": "voice"},
    "de-sau": {"title": "Tháng sau", "not_again_days": NOT_AGAIN_DAYS},
    "ghi-chu": {"title": "Ghi chú"},
}
SHARES = {
    SALE: {
        "mua": 0.20, "khong-mua": 0.28, "hen": 0.14, "hen-rieng": 0.06, "dang-ban": 0.03, "dung-goi": 0.06,
        "khong-chao": 0.04, "de-sau": 0.04, "ghi-chu": 0.08,
    },
    CARE: {"mua": 0.70, "dung-goi": 0.10, "ghi-chu": 0.10},
}  # fmt: skip
"""Of the talks of a campaign; after those that are left the agent says nothing."""
WITH_TIME = ("hen", "hen-rieng")
POLICY: dict[str, Any] = {
    "name": "Khuyến mãi Tết 2027",
    "pack": "vn",
    "purpose": "marketing",
    "region": "VN",
    "migrate_2018": True,
    "schedule": "ca-ngay",
    "trunks": ["street"],
    "max_attempts": 9,
    "wrap_up_s": 20,
    "ring_s": 22,
    "business": {"person_in_charge": ADMIN, "budget": 90_000_000},
    "fields": [
        {"name": "ma_kh", "label": "Mã khách", "required": True, "significant": True, "max_length": 12},
        {"name": "ngay_sinh", "kind": "date", "max": "today"},
        {"name": "du_no", "kind": "number", "min": 0, "decimal_mark": "comma"},
        {"name": "goi", "kind": "choice", "choices": ["Gói Tiết Kiệm", "Gói Gia Đình", "Gói Doanh Nghiệp"]},
        {"name": "pesel", "kind": "pesel"},
    ],
}
EDITED: dict[str, Any] = {"max_attempts": 3, "hotlines": ["ban", "ban-2"], "quota": {"per_agent": 1000}}
MAPPING: dict[str, Any] = {
    "phone": "Số điện thoại",
    "name": "Họ và tên",
    "phones": ["SĐT khác"],
    "email": "Email",
    "priority": "Ưu tiên",
    "list": "Danh sách",
    "fields": {"ma_kh": "Mã KH", "ngay_sinh": "Ngày sinh", "du_no": "Dư nợ", "goi": "Gói cước", "pesel": "PESEL"},
}


def at(clock: str) -> Instant:
    """The instant of that day at HH:MM or HH:MM:SS."""
    return datetime.fromisoformat(f"2026-11-23T{clock.zfill(5)}+07:00").timestamp()


def scenario() -> Scenario:
    """The street, with the campaign that the configuration keeps."""
    return check_scenario(
        {
            "name": CARE,
            "hours": 11.5,
            "seed": 23,
            "start": "2026-11-23T06:30:00+07:00",
            "agents": {
                "count": AGENTS,
                "softphone": "ring",
                "sign_in_s": 4000,
                "breaks_per_hour": 0.2,
                "break_length": {"mean_s": 240},
            },
            "customers": {
                "answer_rate": 0.38,
                "busy": 0.1,
                "unallocated": 0.03,
                "congestion": 0.03,
                "no_response": 0.02,
                "talk": {"mean_s": 65, "cv": 0.6},
            },
            "lines": {"told_lines": 60, "told_calls_per_second": 20},
            "schedules": {"ca-ngay": HOURS},
            "campaign": {
                "name": "Chăm sóc khách hàng",
                "pack": "vn",
                "purpose": "service",
                "schedule": "ca-ngay",
                "max_attempts": 2,
                "rest": {one: {"again_after_min": 20} for one in ("no_answer", "no_response", "rejected", *GONE)},
                "wrap_up_s": 20,
                "share": 0.2,
                "finish_when_done": True,
            },
        }
    )


def floor() -> Floor:
    """The same with the house's people, hotlines and dispositions."""
    told = floor_of(scenario()).model_dump(mode="json")
    told["people"] |= {
        OWNER: {"roles": ["owner"]},
        DIRECTOR: {"roles": ["owner"]},
        ADMIN: {"roles": ["admin"]},
        SUPERVISOR: {"roles": ["supervisor"]},
    }
    told["dispositions"] = DISPOSITIONS
    told["hotlines"] = {"ban": {"number": "+842473000001"}, "ban-2": {"number": "+842473000002"}}
    return Floor.model_validate(told)
